"""agent-executor keys and a running nginx: what the tool writes is live, and what it removes is not."""

import os
import subprocess

import pytest

from edge_module import ROOT


def executor_binary():
    built = [path for preset in ("asan", "release", "dev")
             if (path := ROOT / "build" / preset / "executor/agent-executor").exists()]
    return max(built, key=lambda path: path.stat().st_mtime) if built else None


@pytest.fixture
def keys(edge):
    if executor_binary() is None:
        pytest.skip("agent-executor is not built")

    def run(*arguments):
        command = [executor_binary(), "keys", *arguments, "-f", edge.keys_file]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}).stdout.strip()
    return run


def status_of(edge, secret):
    with edge.connect() as client:
        return client.request("GET", "/v1/models", [("x-api-key", secret)], key=None).status


def test_add_rotate_and_revoke(edge, keys):
    first = keys("add", "ann", "--allow", "*", "--requests", "1000/m")
    edge.wait_for(lambda: status_of(edge, first) == 200, "new key")
    second = keys("rotate", "ann")
    edge.wait_for(lambda: status_of(edge, second) == 200, "second secret")
    assert status_of(edge, first) == 200
    keys("revoke", "ann")
    edge.wait_for(lambda: status_of(edge, first) == 401, "revocation")
    assert status_of(edge, second) == 401
    assert status_of(edge, "agk_alice") == 200


def test_the_last_key_can_be_revoked(edge, keys):
    keys("revoke", "alice")
    edge.wait_for(lambda: status_of(edge, "agk_alice") == 401, "revocation")
    assert edge.status()["key_file_valid"] == 1
