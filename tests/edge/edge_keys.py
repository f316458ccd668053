"""Secrets of the tests: the edge's own, and those of the lines in its key file."""

import hashlib

SECRET = "edge-secret-of-the-tests-0123456789abcdef"


def key_line(name, words="allow=* scopes=chat", secret=None):
    digest = hashlib.sha256((secret or secret_of(name)).encode()).hexdigest()
    return f"{name} sha256:{digest} {words}\n"


def secret_of(name):
    return "agk_" + name
