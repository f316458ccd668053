"""A certificate for an edge with TLS, and who trusts it."""

import pathlib
import ssl
import subprocess


def make_certificate(directory):
    """A self-signed certificate for 127.0.0.1: (certificate file, key file)."""
    directory = pathlib.Path(directory)
    certificate, key = directory / "server.crt", directory / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=edge.test",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True)
    return certificate, key


def trusting(certificate):
    return ssl.create_default_context(cafile=str(certificate))
