"""`agent-executor keys` as an operator meets it: the real binary, real files, several at once."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 30
SECRET = re.compile(r"agk_[A-Za-z0-9_-]{43}\n")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NOBODY = 65534


class Keys:
    def __init__(self, binary: Path, file: Path):
        self.command = [str(binary), "keys"]
        self.file = file
        self.audit_file = Path(f"{file}.audit")

    def arguments(self, *arguments):
        return [*self.command, *map(str, arguments), "-f", str(self.file)]

    def __call__(self, *arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        return subprocess.run(self.arguments(*arguments), timeout=DEADLINE_S, check=False, **options)

    def good(self, *arguments):
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done

    def secret(self, *arguments):
        done = self.good(*arguments)
        assert SECRET.fullmatch(done.stdout), "nothing but the secret stands on standard output"
        return done.stdout.strip()

    def audit(self):
        return [json.loads(line) for line in self.audit_file.read_text().splitlines()]


@pytest.fixture
def keys(build_dir, tmp_path):
    return Keys(build_dir / "executor/agent-executor", tmp_path / "api_keys")


def sha256(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


def line(key_id, secret, words=""):
    return f"{key_id} sha256:{sha256(secret)} {words}".rstrip() + "\n"


def test_a_secret_is_shown_once_and_stands_nowhere_else(keys):
    done = keys.good("add", "alice", "--allow", "default/*,research/*", "--requests", "60/m", "--expires", "30d")
    assert SECRET.fullmatch(done.stdout)
    secret = done.stdout.strip()
    content = keys.file.read_text()
    start = line("alice", secret, "allow=default/*,research/* requests=60/m expires=")
    assert re.fullmatch(re.escape(start.rstrip()) + TIME + r"\n", content)
    reports = [keys.good(command) for command in ("list", "check")]
    said = [done.stderr, *(report.stdout + report.stderr for report in reports)]
    for path in keys.file.parent.iterdir():
        assert secret[4:] not in path.read_text(), path
    for place in said:
        assert secret[4:] not in place
    for place in (keys.audit_file.read_text(), *said):
        assert sha256(secret) not in place, "nor does the whole hash outside the key file"


def test_files_are_for_those_who_need_them(keys):
    keys.secret("add", "alice")
    assert keys.file.stat().st_mode & 0o777 == 0o640
    assert keys.audit_file.stat().st_mode & 0o777 == 0o600
    keys.file.chmod(0o604)
    keys.secret("rotate", "alice")
    assert keys.file.stat().st_mode & 0o777 == 0o604


def test_a_key_lives_from_add_to_revoke(keys):
    comment = "# by hand\n\n"
    keys.file.write_text(comment)
    first = keys.secret("add", "alice", "--allow=*", "--scopes=chat,mcp", "--burst=3")
    second = keys.secret("rotate", "alice", "--grace", "7d")
    words = "allow=* scopes=chat,mcp burst=3"
    old_line, new_line = keys.file.read_text().removeprefix(comment).splitlines(keepends=True)
    assert old_line.startswith(line("alice", first, words).rstrip() + " expires=")
    assert new_line == line("alice", second, words)

    done = keys.good("revoke", "alice", "--hash", sha256(first)[:8])
    assert done.stdout == "" and "1 left" in done.stderr
    assert keys.file.read_text() == comment + new_line
    keys.good("revoke", "alice")
    assert keys.file.read_text() == comment
    assert keys("revoke", "alice").returncode == 1

    audit = keys.audit()
    assert [entry["action"] for entry in audit] == ["key.add", "key.rotate", "key.revoke", "key.revoke"]
    assert [entry["hash"] for entry in audit] == [sha256(x)[:8] for x in (first, second, first, second)]
    assert all(entry["key_id"] == "alice" and entry["actor"]["uid"] == os.getuid() for entry in audit)
    assert audit[0]["detail"] == {"allow": "*", "scopes": "chat,mcp", "burst": "3"}
    assert all(re.fullmatch(TIME, entry["ts"]) for entry in audit)


def test_an_id_that_exists_is_rotated_not_added(keys):
    keys.secret("add", "alice")
    before = keys.file.read_bytes()
    done = keys("add", "alice")
    assert done.returncode == 1 and done.stdout == "" and "keys rotate alice" in done.stderr
    assert keys.file.read_bytes() == before and len(keys.audit()) == 1


def test_editors_at_the_same_time_lose_nothing(keys):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    adding = [subprocess.Popen(keys.arguments("add", f"user{i}"), **pipes) for i in range(8)]
    secrets = {}
    for i, process in enumerate(adding):
        out, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, err
        secrets[f"user{i}"] = out.strip()
    in_file = dict(text.split(" sha256:") for text in keys.file.read_text().splitlines())
    assert in_file == {key_id: sha256(secret) for key_id, secret in secrets.items()}
    assert sorted(entry["key_id"] for entry in keys.audit()) == sorted(secrets)
    keys.good("check")


def test_an_editor_waits_for_another_one(keys):
    keys.file.write_text("")
    with Path(f"{keys.file}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(keys.arguments("add", "alice"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.communicate(timeout=0.5)
            assert keys.file.read_text() == ""
            keys.file.write_text("# by who held the lock\n")
            fcntl.flock(lock, fcntl.LOCK_UN)
            _, err = waiting.communicate(timeout=DEADLINE_S)
        finally:
            waiting.kill()
    assert waiting.returncode == 0, err
    assert keys.file.read_text().startswith("# by who held the lock\nalice sha256:")


def test_list_is_json_for_programs(keys):
    words = ("--allow", "a,b/*", "--deny", "b/x", "--tokens", "100k/m", "--act-as", "helper")
    secret = keys.secret("add", "alice", *words)
    keys.secret("rotate", "alice")
    keys.secret("add", "bob", "--expires", "2099-01-01T00:00:00Z", "--scopes", "mcp")
    listed = json.loads(keys.good("list", "--json").stdout)
    assert [entry["id"] for entry in listed] == ["alice", "alice", "bob"]
    assert listed[0] == {
        "id": "alice",
        "hash": sha256(secret)[:8],
        "line": 1,
        "state": "valid",
        "expires": None,
        "secrets": 2,
        "scopes": ["chat"],
        "allow": ["a", "b/*"],
        "deny": ["b/x"],
        "act_as": "helper",
        "limits": {"tokens": "100k/m"},
    }
    assert listed[2]["expires"] == "2099-01-01T00:00:00Z" and listed[2]["scopes"] == ["mcp"]


def test_check_names_every_error_with_its_line(keys):
    keys.file.write_text(
        line("alice", "1", "burst=1")
        + "# comment\n"
        + line("alice", "2")
        + line("bob", "1")
        + line("eve", "3", "scopes=mcp streams=1")
    )
    before = keys.file.read_bytes()
    done = keys("check")
    errors = done.stderr.splitlines()
    assert done.returncode == 1 and done.stdout == "" and len(errors) == 4
    assert errors[0].startswith(f"{keys.file}:3: burst= differs from that of alice on line 1")
    assert errors[1].startswith(f"{keys.file}:4: the same key as on line 1")
    assert errors[2].startswith(f"{keys.file}:5: streams= can never apply")
    for change in (("add", "mia"), ("revoke", "eve"), ("rotate", "alice")):
        done = keys(*change)
        assert done.returncode == 1 and done.stdout == ""
        assert all(error in done.stderr for error in errors[:3])
    assert keys.file.read_bytes() == before and not keys.audit_file.exists()


def test_check_takes_the_sample_and_warns_ahead(keys):
    shutil.copy(ROOT / "conf/api_keys.example", keys.file)
    assert "ok, 5 keys, 4 ids" in keys.good("check").stdout
    keys.secret("add", "alice2", "--expires", "3d")
    done = keys.good("check")
    assert "1 expiring within 7 days" in done.stdout and "alice2 (" in done.stdout
    states = {entry["id"]: entry["state"] for entry in json.loads(keys.good("list", "--json").stdout)}
    assert states["alice2"] == "expiring" and states["alice"] == "valid"


def test_a_secret_that_nobody_gets_is_no_key(keys):
    def expect_nothing(done, said):
        assert done.returncode == 1 and said in done.stderr and "nothing was changed" in done.stderr
        assert not keys.file.exists()

    reader, writer = os.pipe()
    os.close(reader)
    expect_nothing(keys("add", "alice", stdout=writer), "Broken pipe")
    os.close(writer)
    with open("/dev/full", "w") as full:
        expect_nothing(keys("add", "alice", stdout=full), "No space left on device")
    assert [entry.get("result") for entry in keys.audit()] == [None, "failed", None, "failed"]


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_closed_standard_output_is_not_a_file_of_ours(keys, closed):
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" "$@" {closed}', *keys.arguments("add", "alice")],
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 1
    assert list(keys.file.parent.iterdir()) == []


def test_a_closed_standard_error_is_not_a_file_of_ours(keys):
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" "$@" 2>&- <&-', *keys.arguments("add", "alice")],
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0 and SECRET.fullmatch(done.stdout)
    assert keys.file.read_text() == line("alice", done.stdout.strip())
    assert len(keys.audit()) == 1 and Path(f"{keys.file}.lock").read_bytes() == b""


def test_a_folder_that_cannot_be_written_is_an_error(keys):
    # Not below tmp_path: only its owner gets there, and root, who may write everywhere, becomes somebody else.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys.file = folder / "api_keys"
        keys.file.write_text(line("alice", "1"))
        folder.chmod(0o555)
        other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        if subprocess.run(["test", "-x", keys.command[0]], check=False, **other).returncode != 0:
            pytest.skip("nobody may run the binary here")
        done = keys("revoke", "alice", **other)
        assert done.returncode == 1 and "api_keys.lock: cannot be opened: Permission denied" in done.stderr
        assert keys.file.read_text() == line("alice", "1")
        folder.chmod(0o755)


def test_a_reader_never_sees_half_a_file(keys):
    """While keys come and go, every look at the file finds whole lines and a newline at the end."""
    keys.secret("add", "first", "--allow", "x" * 3000)
    looks = []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            looks.append(keys.file.read_bytes())
            time.sleep(0.001)  # leaves the processor to the one who writes

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(5):
            keys.secret("add", f"user{i}", "--allow", "y" * 3000)
            keys.good("revoke", f"user{i}")
    finally:
        stop.set()
        reader.join(DEADLINE_S)
    assert len(set(looks)) > 1, "the reader saw no change"
    one = len(line("first", "", "allow=" + "x" * 3000))
    for look in set(looks):
        assert look.endswith(b"\n") and len(look) in (one, 2 * one), "ids and words are equally long"


def test_usage_errors_name_the_option(keys):
    for arguments, named in (
        (("add",), "ID"),
        (("add", "alice", "--alow", "*"), "--alow"),
        (("list", "alice"), "alice"),
    ):
        done = keys(*arguments)
        assert done.returncode != 0 and done.stdout == "" and named in done.stderr
    assert not keys.file.exists()
    done = keys("add", "alice", "--allow", "")
    assert done.returncode == 1 and "allow=: write model globs" in done.stderr
