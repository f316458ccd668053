"""Certificates of a test's own CA: good ones, and ones with something wrong."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

# Years that are over, and years that hold for as long as a test runs.
OVER = ("20200101000000Z", "20200201000000Z")
VALID = ("20200101000000Z", "20991231000000Z")
CONF = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[ca]
default_ca = mine
[mine]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = {names}
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Identity:
    certificate: Path
    key: Path


class Authority:
    def __init__(self, directory: Path, name: str):
        self.directory, self.name = directory / name, name
        self.directory.mkdir()
        (self.directory / "index.txt").touch()
        self.key = self.directory / "ca.key"
        self.certificate = self.directory / "ca.crt"
        self._openssl("req", "-x509", *self._new_key(self.key), "-extensions", "root", "-days", "2",
                      "-out", self.certificate)

    def issue(self, name: str, names: str, valid: tuple[str, str] = VALID) -> Identity:
        """`names` as in OpenSSL's configuration: `DNS:localhost`."""
        made = Identity(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        request = self.directory / f"{name}.csr"
        self._openssl("req", *self._new_key(made.key), "-out", request)
        self._openssl("ca", "-batch", "-notext", "-cert", self.certificate, "-keyfile", self.key, "-in", request,
                      "-extensions", "server", "-startdate", valid[0], "-enddate", valid[1],
                      "-out", made.certificate, names=names)
        return made

    @staticmethod
    def _new_key(path: Path) -> list:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def _openssl(self, command: str, *arguments, names: str = "DNS:unused") -> None:
        conf = self.directory / "openssl.cnf"
        conf.write_text(CONF.format(name=self.name, directory=self.directory, names=names))
        done = subprocess.run(["openssl", command, "-config", conf, *arguments],
                              capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"openssl {command}: {done.stderr}"
