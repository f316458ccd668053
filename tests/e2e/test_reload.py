"""The configuration changes while the gateway is used: each way of writing a file, good versions and broken ones."""

import os
import signal
import time

import pytest

import gateway_stack
from config_edits import ConfigFile, MountedFolder, Reloads, described
from gateway_stack import E2E, assert_error, chat, wait_until
from reload_load import Load

CONFIG = E2E / "reload_config"
EDITS = int(os.environ.get("AGW_RELOAD_EDITS", "100"))  # of each way; a build that is slower takes fewer
BROKEN_EVERY = 10

# The first two replace the file by one act, so that nobody can read anything in between.
AT_ONCE = ("by_rename", "by_a_link")
WAYS = (*AT_ONCE, "in_place", "in_two_writes", "as_editors_do", "deleted_and_made_anew")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    directory = tmp_path_factory.mktemp("c")
    try:
        yield gateway_stack.start(directory, config=CONFIG)
    finally:
        gateway_stack.stop(directory)


@pytest.fixture(scope="module")
def texts(running):
    """Text and path of the configuration before anybody touched it."""
    return ConfigFile(running.config_file), MountedFolder(running.config_file)


@pytest.fixture
def changing(running, texts):
    """The stack, with the configuration of the beginning again afterwards."""
    yield running
    with running.admin_client() as admin:
        for file in reversed(texts):
            file.put_back()
        answer = admin.post("/agents/refresh")
        assert answer.status_code == 200, answer.text


@pytest.fixture
def file(texts):
    return texts[0]


@pytest.fixture
def folder(texts):
    return texts[1]


@pytest.fixture
def admin(changing):
    with changing.admin_client() as http:
        yield http


@pytest.fixture
def reloads(admin):
    return Reloads(admin)


def versioned(admin) -> str | None:
    """The description of the agent that names the version."""
    agents = admin.get("/agents").raise_for_status().json()
    return next((agent["description"] for agent in agents if agent["name"] == "versioned"), None)


def says_its_version(client) -> str:
    answer = client.post("/v1/chat/completions", json=chat("versioned")).raise_for_status().json()
    return answer["choices"][0]["message"]["content"]


def edit_many_times(stack, write, file, admin, reloads) -> list[str]:
    """`write(text, number)` is one edit. Returns the places of the mistakes that were written."""
    start = reloads.now()
    good, places = None, []
    with stack.client() as client, Load(stack) as load:
        for number in range(1, EDITS + 1):
            before = reloads.now()
            if number % BROKEN_EVERY == 0:
                text, place = file.broken(number)
                places.append(place)
                write(text, number)
                reloads.refused(before, place)
            else:
                good = described(number)
                write(file.version(number), number)
                reloads.taken(before)
            assert versioned(admin) == says_its_version(client) == good, f"edit {number}"
    assert load.failures == []
    assert load.requests >= EDITS
    end = reloads.now()
    assert end["generation"] - start["generation"] == EDITS - len(places)
    assert end["failure_count"] - start["failure_count"] >= len(places)
    return places


@pytest.mark.parametrize("way", WAYS)
def test_a_hundred_edits_under_load(changing, file, admin, reloads, way):
    """Each good version is one generation more, each broken one none. Where a way of writing shows nothing or half a file for
    a moment, that may be looked at, and is refused then; what counts is what stands there in the end, and that nothing fails."""
    write = getattr(file, way)
    seen = len(changing.executor_events(1))
    places = edit_many_times(changing, lambda text, _: write(text), file, admin, reloads)
    if way in AT_ONCE:
        events = changing.executor_events(1)[seen:]
        problems = [event["problem"] for event in events if event["event"] == "reload.problem"]
        assert len(problems) >= len(places)
        assert [text for text in problems if not any(place in text for place in places)] == []


def test_a_hundred_turns_of_a_mounted_folder_under_load(changing, folder, admin, reloads):
    """All files change at once, and the folder of the version before is gone at once."""
    edit_many_times(changing, folder.turned, folder, admin, reloads)


def test_with_the_delay_of_the_default_a_burst_is_one_reload(changing, file, reloads):
    """The delay itself is taken over by a reload."""
    file.base, short = file.base.replace("  watch_delay: 20ms\n", ""), file.base
    try:
        assert file.base != short
        before = reloads.now()
        file.by_rename(file.version(0))
        before = reloads.taken(before)
        begin = time.monotonic()
        for number in range(1, 5):
            file.in_place(file.version(number))
        written = time.monotonic()
        state = reloads.taken(before)
        assert state["attempt_count"] == before["attempt_count"] + 1
        took = time.monotonic() - written
        assert time.monotonic() - begin > 0.3, "it waited for the last write"
        assert took < 3, f"in use after {took:.2f} s"
        assert versioned(reloads.admin) == described(4)
    finally:
        file.base = short


def test_a_signal_and_a_request_load_it_too(changing, file, admin, reloads):
    file.by_rename(file.version(1))
    answer = admin.post("/agents/refresh")
    assert answer.status_code == 200
    assert [agent["description"] for agent in answer.json() if agent["name"] == "versioned"] == [described(1)]
    assert answer.headers["x-agent-executor"] == admin.get("/admin/reload").json()["executor"]

    text, place = file.broken(1)
    file.by_rename(text)
    answer = admin.post("/agents/refresh")
    assert place in assert_error(answer, 422, "configuration_invalid")["message"]
    assert versioned(admin) == described(1)

    before = reloads.now()
    os.kill(int(changing["EXECUTOR_PID"]), signal.SIGHUP)
    state = reloads.until(lambda now: now["attempt_count"] > before["attempt_count"], "a load by the signal")
    assert place in state["last_error"]
    with changing.client() as client:
        assert client.get("/agents").status_code == 404, "not on the public listener"


def test_what_a_reload_changed_is_said(changing, file, admin, reloads):
    seen = len(changing.executor_events(1))
    before = reloads.now()
    file.by_rename(file.version(7).replace("  threads: 2", "  threads: 3"))
    state = reloads.taken(before)
    assert state["last_diff"]["added"] == ["agent default/versioned"]
    assert state["last_diff"]["needs_restart"] == ["server.threads"]
    file.put_back()
    assert reloads.taken(state)["last_diff"]["removed"] == ["agent default/versioned"]
    assert versioned(admin) is None
    events = [event for event in changing.executor_events(1)[seen:] if event["event"] == "reload.diff"]
    assert "agent default/versioned" in [event["added"] for event in events]
    assert "agent default/versioned" in [event["removed"] for event in events]


def test_runs_in_flight_keep_the_configuration_that_they_began_with(changing, file, reloads):
    """The upstream of a stream's agent is taken away while the stream runs."""
    with changing.client() as client:
        with client.stream("POST", "/v1/chat/completions", json=chat("scripted/paced", stream=True)) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            before = reloads.now()
            file.by_rename("upstreams: {other: {base_url: 'http://127.0.0.1:1/v1', models: [m]}}\n")
            reloads.taken(before)
            assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["other/m"]
            assert list(lines)[-2:] == ["data: [DONE]", ""]
