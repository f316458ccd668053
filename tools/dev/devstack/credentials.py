"""What a stack trusts: its own CA and server certificate, the edge's secret, two API keys."""

import base64
import hashlib
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .report import StackError

OPENSSL_CONF = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = Agent Gateway local stack
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
DAYS = "365"


@dataclass(frozen=True)
class Certificates:
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Keys:
    file: Path
    user: str
    admin: str


def _write_private(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(content)


def _openssl(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError:
        raise StackError("openssl is not installed: ./dev setup") from None
    if done.returncode != 0:
        raise StackError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


def make_certificates(directory: Path) -> Certificates:
    """A CA for this stack alone. Its key is thrown away once the server's certificate is signed."""
    directory.mkdir(mode=0o700)
    conf = directory / "openssl.cnf"
    conf.write_text(OPENSSL_CONF)
    ca, ca_key = directory / "ca.crt", directory / "ca.key"
    certificate, key = directory / "server.crt", directory / "server.key"
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    common = ["req", "-x509", "-config", str(conf), "-days", DAYS, "-sha256", *new_key]
    _openssl(*common, "-extensions", "ca", "-keyout", str(ca_key), "-out", str(ca))
    _openssl(
        *common, "-extensions", "server", "-subj", "/CN=localhost", "-CA", str(ca), "-CAkey", str(ca_key),
        "-keyout", str(key), "-out", str(certificate),
    )  # fmt: skip
    ca_key.unlink()
    conf.unlink()
    key.chmod(0o600)
    return Certificates(ca, certificate, key)


def make_edge_secret(path: Path) -> None:
    _write_private(path, secrets.token_hex(32) + "\n")


def new_api_key() -> str:
    return "agk_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def make_keys(path: Path, source: Path | None) -> Keys:
    """The lines of `source`, then the stack's two keys."""
    user, admin = new_api_key(), new_api_key()
    lines = source.read_text(encoding="utf-8") if source else ""
    if lines and not lines.endswith("\n"):
        lines += "\n"
    # The configuration's defaults are for strangers; a stack for tests and benches must not run into them.
    limits = "requests=10m/s streams=100k tokens=100m/s"
    lines += f"dev sha256:{hashlib.sha256(user.encode()).hexdigest()} allow=* scopes=chat {limits}\n"
    lines += f"admin sha256:{hashlib.sha256(admin.encode()).hexdigest()} allow=* scopes=chat,mcp,runs,admin {limits}\n"
    _write_private(path, lines)
    return Keys(path, user, admin)
