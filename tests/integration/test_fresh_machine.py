"""./dev test fresh: what it decides, and that nothing of a process tree survives. The whole takes half an hour."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "dev"))
from fresh import answer, apt, commands, packages, readme, redact, work  # noqa: E402
from fresh import settings as machine  # noqa: E402
from fresh.contained import Contained, Place, execute  # noqa: E402
from fresh.report import FreshError, Log, StepFailed  # noqa: E402

WAIT_S = 30.0


def test_readmes_commands_are_the_ones_that_are_run(repository: Path) -> None:
    assert readme.read(repository / "README.md") == readme.Commands("./dev run", "./dev test")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no block", "no fenced block"),
        ("```\n./dev run\n```\n", "it is './dev run'"),
        ("```\n./dev setup\n./dev run\n./dev test\n```\n", "'./dev setup'"),
    ],
)
def test_a_readme_of_another_shape_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    page = tmp_path / "README.md"
    page.write_text(text)
    with pytest.raises(FreshError, match=complaint):
        readme.read(page)


TARGETS = """\
DEP-11|http://a.example/debian/|bookworm|bookworm|main|Debian
Packages|http://other.example/tools/|bookworm|bookworm|main|Tools
Packages|http://a.example/debian-security/|bookworm-security|bookworm-security|main|Debian-Security
Packages|http://a.example/debian/|bookworm-updates|bookworm-updates|main|Debian
Packages|http://a.example/debian/|bookworm|bookworm|contrib|Debian
Packages|http://b.example/debian/|bookworm|bookworm|main|Debian
"""


def test_the_mirror_is_debians_own_archive_of_the_suite() -> None:
    assert apt.choose(TARGETS, "bookworm") == "http://b.example/debian/"
    assert apt.choose(TARGETS, "trixie") is None
    role = "Packages|http://a.example/debian/|oldstable|bookworm|main|Debian\n"
    assert apt.choose(role, "bookworm") == "http://a.example/debian/"


def test_a_list_of_mirrors_stands_for_its_first(tmp_path: Path) -> None:
    mirrors = tmp_path / "debian.list"
    mirrors.write_text("# two\nhttps://a.example/debian\nhttps://b.example/debian\n")
    line = f"Packages|mirror+file:{mirrors}/|bookworm|bookworm|main|Debian\n"
    assert apt.choose(line, "bookworm") == "https://a.example/debian"


def test_credentials_of_settings_do_not_reach_a_log() -> None:
    npmrc = "//registry.example/:_authToken=tok-123456\nregistry=https://bob:s3cret@registry.example/\nstrict-ssl=true\n"
    netrc = "machine a.example login carol password hunter22\n"
    secrets = redact.secrets_of(npmrc) | redact.secrets_of(netrc)
    shown = redact.redactor(secrets)(
        "tok-123456 s3cret hunter22 https://x:y@z.example/ https://plain.example true"
    )
    for secret in ("tok-123456", "s3cret", "hunter22", "x:y"):
        assert secret not in shown
    assert "https://(hidden)@z.example/" in shown and "https://plain.example true" in shown


def test_settings_bring_the_files_that_they_name(tmp_path: Path) -> None:
    ca, keyring = tmp_path / "ca.pem", tmp_path / "debian.gpg"
    for path in (ca, keyring):
        path.write_text("content")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".npmrc").write_text(f"cafile={ca}\n# cafile={tmp_path}/other\n")
    environ = {
        "PIP_INDEX_URL": "https://u:pass1@i.example/",
        "PIP_CACHE_DIR": "/c",
        "EDITOR": "vi",
        "PIP_CERT": str(ca),
    }
    taken = packages.settings(environ, home)
    assert taken.environment["PIP_INDEX_URL"] == "https://u:pass1@i.example/" and "pass1" in taken.secrets
    assert not {"PIP_CACHE_DIR", "EDITOR"} & set(taken.environment)
    assert taken.files[str(ca)] == ca and taken.files["/root/.npmrc"] == home / ".npmrc"
    taken.add_references(f"deb [arch=amd64 signed-by={keyring}] https://a.example/debian bookworm main")
    root = tmp_path / "root"
    root.mkdir()
    machine.install(taken, root)
    assert (root / str(keyring).lstrip("/")).read_text() == "content"
    assert (root / "root/.npmrc").exists()


def test_settings_never_leave_the_new_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root, outside):
        folder.mkdir()
    (root / "etc").symlink_to(outside)
    taken = machine.Settings(texts={"/etc/hosts": "127.0.0.1 localhost\n"})
    with pytest.raises(FreshError, match="symbolic link"):
        machine.install(taken, root)
    assert list(outside.iterdir()) == []


def chunk(content: str | None, finish: str = "null") -> str:
    delta = "{}" if content is None else f'{{"content":"{content}"}}'
    return f'data: {{"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}\n\n'


def test_a_streamed_answer_must_be_whole_and_hold_what_the_tool_said() -> None:
    said = chunk("It is: Sunny, ") + chunk("21 °C in Paris")
    end = chunk(None, '"stop"') + "data: [DONE]\n\n"
    assert answer.require_tool_answer(said + end).pieces == 2
    for body, complaint in (
        (said, "DONE"),
        (said + "data: [DONE]\n\n", "finish_reason"),
        (chunk("I do not know.") + end, "what the tool said"),
        (chunk("Sunny, 21 °C in Paris") + end, "one piece"),
        ('{"error":{"code":"invalid_api_key"}}', "no stream"),
        ("data: oops\n\ndata: [DONE]\n\n", "not a chat completion chunk"),
    ):
        with pytest.raises(StepFailed, match=complaint):
            answer.require_tool_answer(body)


def test_the_curl_command_is_that_of_the_banner() -> None:
    lines = [
        "  curl dpkg-dev g++",
        "  Agent Gateway is running.",
        "",
        "    curl -N URL \\",
        "      -d '{}'",
        "  more",
    ]
    rest = iter(lines)
    assert commands.curl_command(rest) == "curl -N URL \\\n-d '{}'"
    assert list(rest) == ["  more"]
    with pytest.raises(StepFailed, match="banner"):
        commands.curl_command(["curl x"])


def test_what_is_mounted_in_a_folder_is_found() -> None:
    table = "25 1 8:1 / /w/a\\040b/proc rw - proc proc rw\n26 1 8:1 / /w/abc rw - tmpfs tmpfs rw\n"
    assert work.mounted_below(Path("/w/a b"), table) == ["/w/a b/proc"]
    assert work.mounted_below(Path("/w/ab"), table) == []


def namespaces_work() -> bool:
    command = ["unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_root = pytest.mark.skipif(not namespaces_work(), reason="namespaces need root with all its rights")


def contained(tmp_path: Path, line: str) -> Contained:
    command = execute(["/bin/sh", "-c", line], {"PATH": os.environ["PATH"]}, "/", None)
    return Contained(Place(), command, Log(tmp_path / "log", lambda text: text))


@needs_root
def test_the_end_of_a_tree_says_what_was_left_behind(tmp_path: Path) -> None:
    with contained(tmp_path, "sleep 1234 & (sleep 1235 &); exit 3") as tree:
        end = tree.wait(time.monotonic() + WAIT_S)
    assert end.status == 3 and sorted(end.left) == ["sleep 1234", "sleep 1235"]


@needs_root
def test_a_signal_reaches_the_program(tmp_path: Path) -> None:
    with contained(
        tmp_path, "trap 'echo got it; exit 5' INT; printf 'ready\\nsteady\\n'; while :; do sleep 0.1; done"
    ) as tree:
        lines = tree.lines(time.monotonic() + WAIT_S)
        assert next(lines) == "ready"
        tree.send(signal.SIGINT)
        assert list(tree.lines(time.monotonic() + WAIT_S)) == ["steady", "got it"]
        end = tree.wait(time.monotonic() + WAIT_S)
    assert end.status == 5 and end.left == []


@needs_root
def test_a_tree_that_takes_too_long_ends_as_a_whole(tmp_path: Path) -> None:
    token = f"agw-{os.getpid()}-{time.monotonic_ns()}"
    with (
        pytest.raises(StepFailed, match="too long"),
        contained(tmp_path, f"sh -c 'sleep 1000' {token} & wait") as tree,
    ):
        tree.wait(time.monotonic() + 1)
    assert not any(token.encode() in read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


@needs_root
def test_a_tree_ends_with_the_one_who_started_it(tmp_path: Path) -> None:
    """Also when that one is killed and can do nothing about it."""
    source = (
        f"import sys, time; sys.path.insert(0, {str(Path(work.__file__).parents[1])!r})\n"
        "from pathlib import Path\n"
        "from fresh.contained import Contained, Place, execute\n"
        "from fresh.report import Log\n"
        f"log = Log(Path({str(tmp_path / 'log')!r}), str)\n"
        "body = execute(['sh', '-c', 'echo up; exec sleep 1236'], {'PATH': '/bin'}, '/', None)\n"
        "tree = Contained(Place(), body, log)\n"
        "next(tree.lines(time.monotonic() + 30)); print('up', flush=True); time.sleep(100)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None and starter.stdout.readline() == "up\n"
    starter.kill()
    starter.communicate()
    deadline = time.monotonic() + WAIT_S
    while any(b"sleep\x001236" in read(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
        assert time.monotonic() < deadline, "the tree outlived its starter"
        time.sleep(0.05)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
