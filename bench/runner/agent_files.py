"""A configuration of many agents that look like real ones, over several files, and its next versions."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from .context import REPOSITORY

FEW, MANY = 3, 1000  # agents, all in all
FILES = 10  # of the agents beyond the first three
ASKED = "whole"  # the agent that requests ask; both configurations have it
NEW = "newest"  # of the agent that each version has under a name of its own: newest-<version>

# What the files take from the environment, where nobody is to be asked.
URLS_OF_NOBODY = {
    "LLM_BASE_URL": "http://127.0.0.1:9/v1",
    "MCP_URL": "http://127.0.0.1:9/mcp",
    "HTTP_URL": "http://127.0.0.1:9",
}

HEAD = """\
version: 1

server:
  threads: 2
  edge_secret_file: /etc/agent-gateway/edge_secret

upstreams:
  bench:
    base_url: "${LLM_BASE_URL}"
    api_key: not-needed
    models: [whole, first]

mcp_servers:
  desk:
    url: "${MCP_URL}"

defaults:
  upstream: bench
  model: whole
"""

TOOL = """\
  - name: {name}
    provider: http
    description: {description}
    method: GET
    url: "${{HTTP_URL}}/{name}"
    timeout: 10s
    max_response_bytes: 64k
    parameters:
      type: object
      properties:
        query: {{type: string, description: What is looked for.}}
        limit: {{type: integer, minimum: 1, maximum: 50}}
      required: [query]
"""

MCP_TOOL = """\
  - name: {name}
    provider: mcp
    mcp_server: desk
"""

HTTP_TOOLS = {
    "search_orders": "Finds orders by number, customer or date.",
    "search_articles": "Finds articles of the help centre.",
    "search_people": "Finds people and the teams that they are in.",
    "search_tickets": "Finds open and closed tickets.",
}
MCP_TOOLS = ("get_weather", "add")
TOOLS = (*HTTP_TOOLS, *MCP_TOOLS)
TEAMS = ("Billing", "Returns", "Onboarding", "Field service", "Research", "Compliance", "Logistics")

PLAIN_AGENT = """\
  - name: {name}
    description: "Answers without tools. Version {version}."
    instructions: You are a helpful assistant.
"""

AGENT = """\
  - name: {name}
    display_name: "{team} assistant {number}"
    description: "Answers questions of the {team} team, region {region}. Version {version}."
    instructions: |
      You work for the {team} team in region {region} and answer its questions.
      Look things up with {first} before you answer, and with {second} when that finds nothing.
      Say where an answer comes from: the number of the order, the title of the article, the name of the person.
      When two sources disagree, show both and say which is newer.
      Never promise a date, a price or a refund that no tool has named.
      Answer in the language of the question, in at most five sentences.
    tools: [{first}, {second}]
    policies:
      max_tool_hops: {hops}
      max_run: 2m
      max_tool_result_bytes: 32k
    metadata:
      team: "{team}"
      owner: "owner-{number}@example.org"
      region: {region}
      tags: [support, "tier-{tier}"]
"""


def first_file(version: int, includes: list[str]) -> str:
    """Upstreams, tools and the first three agents."""
    tools = [TOOL.format(name=name, description=text) for name, text in HTTP_TOOLS.items()]
    tools += [MCP_TOOL.format(name=name) for name in MCP_TOOLS]
    agents = [PLAIN_AGENT.format(name=name, version=version) for name in (ASKED, "second", "third")]
    parts = [HEAD, "\ntools:\n", "\n".join(tools), "\nagents:\n", "\n".join(agents)]
    if includes:
        parts += ["\ninclude:\n", *(f"  - {path}\n" for path in includes)]
    return "".join(parts)


def _agent(number: int, version: int, name: str) -> str:
    return AGENT.format(
        name=name,
        number=number,
        version=version,
        team=TEAMS[number % len(TEAMS)],
        region=number % 12 + 1,
        first=TOOLS[number % len(TOOLS)],
        second=TOOLS[(number + 1) % len(TOOLS)],
        hops=number % 6 + 2,
        tier=number % 3 + 1,
    )


def included_file(numbers: range, version: int = 0, newest: bool = False) -> str:
    """Agents of these numbers; all differ from version to version, and the `newest` has another name in each."""
    names = [f"agent-{number:04}" for number in numbers]
    if newest:
        names[-1] = f"{NEW}-{version}"
    return "agents:\n" + "\n".join(_agent(number, version, name) for number, name in zip(numbers, names, strict=True))


def shares(count: int, files: int) -> list[range]:
    """So many agents, as evenly as can be over so many files."""
    bounds = [count * index // files for index in range(files + 1)]
    return [range(begin, end) for begin, end in zip(bounds, bounds[1:], strict=False)]


@dataclass
class AgentFiles:
    """A folder as a stack takes it: gateway.yaml, the files that it includes, and the model server's script. Changes are
    renamed into place, whole, from a folder of its own: nothing else happens in the folders that are watched."""

    folder: Path
    spare: Path  # on the same file system
    version: int = 0

    def write(self) -> None:
        self.spare.mkdir(parents=True)
        (self.folder / "agents").mkdir(parents=True)
        shutil.copy(REPOSITORY / "bench" / "config" / "llm.json", self.folder / "llm.json")
        for index in range(FILES):
            (self.folder / self._included(index)).write_text(self._text(index))
        self.use_many()

    @property
    def path(self) -> Path:
        return self.folder / "gateway.yaml"

    @property
    def newest(self) -> str:
        """Exists once the last change is in use."""
        return f"{NEW}-{self.version}"

    def use_many(self) -> None:
        """All agents. As with `use_few`, those of the first file are described anew: what is loaded is a new version."""
        self._use([self._included(index) for index in range(FILES)])

    def use_few(self) -> None:
        self._use([])

    def prepare(self) -> None:
        """The next version, not yet in place."""
        self.version += 1
        self._next.write_text(self._text(FILES - 1))

    def change(self) -> None:
        """Puts what was prepared in place: a hundred agents are described anew, one has another name."""
        self._next.replace(self.folder / self._included(FILES - 1))

    def change_all(self) -> None:
        """Every file, and with them every agent. Not at once: for whoever loads when told to."""
        self.use_many()
        for index in range(FILES):
            self._next.write_text(self._text(index))
            self._next.replace(self.folder / self._included(index))

    @property
    def _next(self) -> Path:
        return self.spare / "next.yaml"

    def _use(self, includes: list[str]) -> None:
        self.version += 1
        self._next.write_text(first_file(self.version, includes))
        self._next.replace(self.path)

    @staticmethod
    def _included(index: int) -> str:
        return f"agents/{index:02}.yaml"

    def _text(self, index: int) -> str:
        return included_file(shares(MANY - FEW, FILES)[index], self.version, newest=index == FILES - 1)
