"""The runner of the quirk corpus finds what a gateway passes on unrepaired, and nothing where there is nothing."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUIRKS = ROOT / "tests/wire/quirks"
sys.path.insert(0, str(QUIRKS))
sys.path.insert(0, str(ROOT / "tests/fakes"))

import doubles  # noqa: E402
import quirk_script  # noqa: E402
from corpus import load  # noqa: E402
from quirk_server import QuirkServer  # noqa: E402
from replay import Gateway, check  # noqa: E402

CORPUS = load()
# What even a client without a gateway would read well, by the rules of compare.py.
CLEAN = ["q00_clean", "q00_clean_tool_calls", "v08_json_clean"]
DEADLINE_S = 60


@pytest.fixture(scope="module")
def nothing_between():
    """A gateway that repairs nothing: the corpus itself."""
    with QuirkServer(CORPUS) as server:
        yield Gateway(f"http://127.0.0.1:{server.port}/v1", "any")


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_answer_has_no_problems(nothing_between, name):
    assert check(nothing_between, CORPUS[name], name, exact=True) == []


def test_what_is_not_repaired_is_found(nothing_between):
    unfound = [
        name
        for name, quirk in CORPUS.items()
        if quirk.quirk.startswith("Q") and not check(nothing_between, quirk, name, exact=True)
    ]
    # A strict reader takes these as they are: the quirk is in the framing of HTTP, or in what the model wrote.
    assert set(unfound) <= {
        "q04_comments",
        "q10_emoji_of_four_bytes",
        "q11_json_without_type",
        "q14_chunks_of_one_byte",
        "q14_close_without_length",
        "q14_json_close_without_length",
        "q14_trailers_and_extensions",
        "q16_timings",
        "q16_timings_alone",
        "q16_usage_at_the_end",
        "q16_usage_null",
        "q17_null_content_first",
        "q18_finish_with_content",
        "q18_finish_with_tool_delta",
        "q19_changing_head",
        "q19_created_float",
        "q19_created_text",
        "q20_reasoning",
        "q20_reasoning_content",
        "q20_reasoning_details",
        "q20_think_tags",
        "q24_interleaved",
        "q24_several_in_one_delta",
        "q24_whole_call",
        "q26_arguments_invalid",
        "q28_empty_content_with_calls",
        "q28_legacy_function_call",
        "q28_text_around_calls",
        "q29_name_in_other_case",
        "q29_name_with_prefix",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_command_names_what_is_wrong_and_fails():
    port = free_port()
    command = [sys.executable, QUIRKS / "replay.py", "--gateway", f"http://127.0.0.1:{port}", "--key", "any"]
    command += ["--listen", str(port)]
    good = subprocess.run([*command, *CLEAN], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (good.returncode, good.stdout) == (0, "3 of 3 as expected\n"), good.stderr
    bad = subprocess.run(
        [*command, "q00_clean", "q27_stop_with_calls"], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert bad.returncode == 1 and bad.stdout.endswith("1 of 2 as expected\n")
    assert bad.stdout.startswith("q27_stop_with_calls: put together: "), bad.stdout


@pytest.mark.parametrize("name", ["q00_clean", "q09_cut", "q09_reset", "q10_invalid_utf8", "q14_chunks_of_one_byte"])
def test_the_scripted_llm_replays_the_same_bytes(tmp_path, name):
    script = quirk_script.write(tmp_path)
    with doubles.scripted_llm(tmp_path, script) as llm:
        body = f'{{"model":"{name}","messages":[{{"role":"user","content":"x"}}]}}'.encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        received = b""
        with socket.create_connection(("127.0.0.1", int(llm.url.rsplit(":", 1)[1])), timeout=DEADLINE_S) as peer:
            peer.sendall(head + body)
            wanted = CORPUS[name].http
            try:
                while len(received) < len(wanted) and (piece := peer.recv(4096)):
                    received += piece
            except ConnectionResetError:
                assert CORPUS[name].ends == "reset"
    if CORPUS[name].ends == "reset":
        assert wanted.startswith(received) and received
    else:
        assert received == wanted
