"""This machine's pip and npm, its proxies, CA certificates and name lookup."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .settings import BUNDLE, Settings

ROOT_HOME = "/root"  # of a fresh root
PASSED_ON = re.compile(r"PIP_\w+|npm_config_\w+|(?:https?|ftp|all|no)_proxy", re.IGNORECASE)
CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
# Paths of this machine's own state: they mean nothing elsewhere.
LEFT_OUT = re.compile(
    r"PIP_(?:CACHE_DIR|LOG|SRC|TARGET|PREFIX|ROOT)|npm_config_(?:cache|prefix|tmp)", re.IGNORECASE
)
OWN_CA = Path("/usr/local/share/ca-certificates")
MAX_WHEELS = 200  # files of a local folder that pip looks for packages in
NPM_TIMEOUT_S = 60


def settings(environ: Mapping[str, str], home: Path) -> Settings:
    taken = Settings()
    for name, value in environ.items():
        if name in CA_VARIABLES or (PASSED_ON.fullmatch(name) and not LEFT_OUT.fullmatch(name)):
            taken.add_variable(name, value)
    _add_pip(taken, environ, home)
    _add_npm(taken, environ, home)
    return taken


def network(environ: Mapping[str, str]) -> Settings:
    """What every program needs, and images while they are built: names, proxies and trust."""
    taken = Settings()
    for name, value in environ.items():
        if re.fullmatch(r"(?:https?|ftp|all|no)_proxy", name, re.IGNORECASE):
            taken.add_variable(name, value)
    for path in (Path("/etc/resolv.conf"), Path("/etc/hosts")):
        taken.add_file(path)
    if "/etc/hosts" not in taken.files:
        taken.add_text("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    # The package ca-certificates makes the bundle anew from its own and these; until then, apt needs one for https.
    for path in OWN_CA.rglob("*.crt"):
        taken.add_file(path)
    taken.add_file(BUNDLE)
    return taken


def _add_pip(taken: Settings, environ: Mapping[str, str], home: Path) -> None:
    """The files that `pip config debug` lists. pip itself may not be here."""
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    for path in (Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), Path("/usr/pip.conf")):
        taken.add_file(path, references=True)
    taken.add_file(home / ".pip/pip.conf", f"{ROOT_HOME}/.pip/pip.conf", references=True)
    taken.add_file(config / "pip/pip.conf", f"{ROOT_HOME}/.config/pip/pip.conf", references=True)
    if "PIP_CONFIG_FILE" in environ:
        taken.add_file(Path(environ["PIP_CONFIG_FILE"]), references=True)
    for folder in environ.get("PIP_FIND_LINKS", "").split():
        if folder.startswith("/") and Path(folder).is_dir():
            for wheel in sorted(Path(folder).iterdir())[:MAX_WHEELS]:
                taken.add_file(wheel)


def _add_npm(taken: Settings, environ: Mapping[str, str], home: Path) -> None:
    user = Path(environ.get("npm_config_userconfig") or home / ".npmrc")
    taken.add_file(user, f"{ROOT_HOME}/.npmrc", references=True)
    taken.environment.pop("npm_config_userconfig", None)
    for path in (Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/usr/local/etc/npmrc")):
        taken.add_file(path, references=True)
    # Where npm looks for the global file depends on how npm was installed; in the root it is Debian's.
    if shutil.which("npm") is None:
        return
    done = subprocess.run(
        ["npm", "config", "get", "globalconfig"],
        capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    path = Path(done.stdout.strip() or "/nonexistent")
    if done.returncode == 0 and path.is_file():
        taken.add_file(path, references=True)
        taken.environment["npm_config_globalconfig"] = str(path)
