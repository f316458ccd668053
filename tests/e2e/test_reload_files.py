"""The other files of a configuration change while the gateway is used: an included one, a key, a CA, and .env."""

import subprocess
from pathlib import Path

import pytest

import gateway_stack
from config_edits import ConfigFile, Reloads
from gateway_stack import E2E, LLM_KEY, chat, secret_of
from reload_load import Load

CONFIG = E2E / "reload_config"
OTHER_KEY = "another-key-of-the-tests"
EDITS = 5  # of each file


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    directory = tmp_path_factory.mktemp("f")
    try:
        yield gateway_stack.start(directory, config=CONFIG)
    finally:
        gateway_stack.stop(directory, secrets=(OTHER_KEY,))


@pytest.fixture
def changing(running):
    """The stack under load, none of which fails; each file is the one of the beginning again afterwards."""
    folder = running.config_file.parent
    texts = {path: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "api_keys"}
    with Load(running) as load:
        yield running
    assert load.failures == [] and load.requests > 0
    for path, content in texts.items():
        path.unlink(missing_ok=True)
        path.write_bytes(content)
    with running.admin_client() as admin:
        answer = admin.post("/agents/refresh")
        assert answer.status_code == 200, answer.text


@pytest.fixture
def reloads(changing):
    with changing.admin_client() as http:
        yield Reloads(http)


@pytest.fixture
def client(changing):
    with changing.client() as http:
        yield http


def says(client, model: str) -> str:
    answer = client.post("/v1/chat/completions", json=chat(model)).raise_for_status().json()
    return answer["choices"][0]["message"]["content"]


def beside(stack, name: str) -> ConfigFile:
    return ConfigFile(stack.config_file.with_name(name))


def test_an_included_file(changing, client, reloads):
    file = beside(changing, "agents.yaml")
    for number in range(1, EDITS + 1):
        before = reloads.now()
        file.by_rename(file.base.replace("version 0", f"version {number}"))
        before = reloads.taken(before)
        assert says(client, "included") == f"Included, version {number}."
        file.in_place(file.base + "  - {name: included, instructions: twice}\n")
        before = reloads.refused(before, "agents.yaml:3:")
        file.path.unlink()
        reloads.refused(before, "gateway.yaml:4:11: include[0]: \"agents.yaml\" cannot be opened")
        assert says(client, "included") == f"Included, version {number}."


def test_a_file_that_is_included_from_now_on_is_followed_too(changing, client, reloads):
    file, more = beside(changing, "gateway.yaml"), changing.config_file.with_name("more.yaml")
    more.write_text("agents: [{name: more, instructions: First.}]\n")
    before = reloads.now()
    file.by_rename(file.base.replace("[agents.yaml]", "[agents.yaml, more.yaml]"))
    before = reloads.taken(before)
    assert says(client, "more") == "First."
    more.write_text("agents: [{name: more, instructions: Second.}]\n")
    reloads.taken(before)
    assert says(client, "more") == "Second."
    more.unlink()


def asked_with(changing, client) -> str:
    """What the upstream's double thinks of the credential of a request that is made now."""
    before = changing.llm_requests()[-1]["number"] if changing.llm_requests() else 0
    says(client, "included")
    return next(
        record["authorization"]
        for record in changing.llm_requests()
        if record["number"] > before and "Included" in str(record["body"])
    )


def test_a_key(changing, client, reloads):
    """A changed key is a changed upstream: it is asked with the new one from then on."""
    file = beside(changing, "llm.key")
    assert asked_with(changing, client) == "expected"
    for _ in range(EDITS):
        before = reloads.now()
        file.in_place(OTHER_KEY + "\n")
        before = reloads.taken(before)
        assert before["last_diff"]["changed"] == ["upstream scripted"]
        assert asked_with(changing, client) == "other"
        file.in_place(f"{OTHER_KEY}\nand another line\n")
        before = reloads.refused(before, "gateway.yaml:15:19: upstreams.scripted.api_key_file: ")
        assert asked_with(changing, client) == "other"
        file.by_rename(LLM_KEY + "\n")
        reloads.taken(before)
        assert asked_with(changing, client) == "expected"


def test_dotenv(changing, client, reloads):
    file = beside(changing, ".env")
    assert says(client, "greeting") == "Good morning"
    for number in range(EDITS):
        before = reloads.now()
        file.by_rename(f"# of the test\nGREETING='Good day {number}'\n")
        before = reloads.taken(before)
        assert says(client, "greeting") == f"Good day {number}"
        file.in_place("GREETING=x\nno assignment\n")
        before = reloads.refused(before, "/.env:2")
        file.in_place("")
        before = reloads.refused(before, "the environment variable GREETING is not set")
        file.path.unlink()
        reloads.refused(before, "the environment variable GREETING is not set")
        assert says(client, "greeting") == f"Good day {number}"


def make_ca(path: Path) -> str:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=Nobody", "-keyout", "/dev/null", "-out", str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return path.read_text()


def test_a_ca(changing, client, reloads, tmp_path):
    """The upstream over TLS is the gateway itself, with the CA of the stack."""
    good, stranger = Path(changing["SSL_CERT_FILE"]).read_text(), make_ca(tmp_path / "stranger.pem")
    file, ca = beside(changing, "gateway.yaml"), changing.config_file.with_name("ca.pem")
    ca.write_text(good)
    before = reloads.now()
    line = file.base[: file.base.index("mcp_servers:")].count("\n")
    file.by_rename(file.base.replace("mcp_servers:", (
        f"  chain: {{base_url: '{changing.url}/v1', api_key: {secret_of('chain')}, models: [scripted/plain],\n"
        f"          ca_file: ca.pem}}\n\nmcp_servers:"), 1))
    before = reloads.taken(before)
    question = chat("chain/scripted/plain")
    for _ in range(EDITS):
        assert says(client, "chain/scripted/plain").startswith("Hello from the plain model.")
        for broken, what in (("no certificate\n", "the file holds no certificate in PEM form"),
                             (good[: len(good) // 2], "upstreams.chain.ca_file: "),
                             (good + good[: len(good) // 2], "the file holds something that is no certificate, after 1")):
            ca.write_text(broken)
            before = reloads.refused(before, what)
            assert f"gateway.yaml:{line + 2}:" in before["last_error"]
            assert says(client, "chain/scripted/plain").startswith("Hello from the plain model.")
        ca.unlink()
        before = reloads.refused(before, "upstreams.chain.ca_file: the file cannot be opened")
        ca.write_text(stranger)
        before = reloads.taken(before)
        refused = client.post("/v1/chat/completions", json=question)
        assert refused.status_code == 502, refused.text
        ca.write_text(good)
        before = reloads.taken(before)
