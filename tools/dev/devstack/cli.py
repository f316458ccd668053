"""Arguments, banner and exit codes of ./dev run, up and down."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from interrupt import Interrupted, raise_on_signals

from . import real_llm, stack
from .report import StackError, say
from .services import MAX_EDGES, MAX_EXECUTORS

REPOSITORY = Path(__file__).resolve().parents[3]
RUN_PORT = 8443  # of ./dev run, when it is free


def _count(limit: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdigit() or not 1 <= int(text) <= limit:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to {limit}")
        return int(text)

    return parse


def _port(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1024 to 65000")
    return int(text)


def _directory(text: str) -> Path:
    return Path(text).absolute()


def _existing_directory(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)

    run = commands.add_parser("run", allow_abbrev=False, help="a stack in the foreground")
    run.add_argument("--llm", metavar="env|URL", help="a real model instead of the bundled demo model")
    run.add_argument("--dir", type=_directory, default=REPOSITORY / ".dev" / "run")

    up = commands.add_parser("up", allow_abbrev=False, help="a stack in the background")
    up.add_argument("--executors", type=_count(MAX_EXECUTORS), default=1, metavar="N")
    up.add_argument("--edges", type=_count(MAX_EDGES), default=1, metavar="N")
    up.add_argument("--redis", action="store_true", help=argparse.SUPPRESS)
    up.add_argument("--config", type=_existing_directory, metavar="DIR")
    up.add_argument("--base-port", type=_port, metavar="P")
    up.add_argument("--dir", type=_directory, default=REPOSITORY / ".dev" / "stack", metavar="D")

    down = commands.add_parser("down", allow_abbrev=False, help="stops a stack")
    down.add_argument("--dir", type=_directory, default=REPOSITORY / ".dev" / "stack", metavar="D")
    down.add_argument("--keep-logs", action="store_true", help="leaves D/log")
    return parser


def _show_reports(reports: list[str]) -> int:
    for report in reports:
        say(f"a sanitizer spoke:\n{report}")
    return 1 if reports else 0


def _up(arguments: argparse.Namespace, preset: str) -> int:
    if arguments.redis:
        raise StackError("this build has no Redis support: leave --redis out")
    options = stack.Options(
        executors=arguments.executors,
        edges=arguments.edges,
        config=arguments.config,
        base_port=arguments.base_port,
    )
    running, lock = stack.start(arguments.dir, REPOSITORY, preset, options)
    stack.give_up_ownership(running.record)
    lock.release()
    sys.stdout.write(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in running.exports().items())
    )
    sys.stdout.flush()
    say(f"ready: {running.exports()['AGENT_URL']} (stop: ./dev down --dir {shlex.quote(str(arguments.dir))})")
    return 0


def _banner(running: stack.Stack, llm: dict[str, str]) -> str:
    url, key = running.exports()["AGENT_URL"], running.keys.user
    ca = shlex.quote(str(running.certificates.ca))
    question = '"messages":[{"role":"user","content":"What is the weather in Paris?"}]'
    if llm:
        model = f"  Model: {llm['LLM_MODEL']} at {llm['LLM_BASE_URL']}\n"
    else:
        model = (
            "  The model is a scripted demo. For a real one, stop this and start\n"
            "    ./dev run --llm http://localhost:1234/v1      (LM Studio, Ollama, vLLM, ...)\n"
            "    LLM_URL=https://.../v1 LLM_API_KEY=... LLM_MODEL=... ./dev run --llm env\n"
        )
    return f"""
  Agent Gateway is running.

  URL:  {url}/v1
  Key:  {key}
  CA:   {running.certificates.ca}

  Ask an agent that uses a tool:

    curl -N --cacert {ca} {url}/v1/chat/completions \\
      -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
      -d '{{"model":"assistant","stream":true,{question}}}'

  With an OpenAI SDK:

    export SSL_CERT_FILE={ca} NODE_EXTRA_CA_CERTS={ca}
    export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key}

{model}
  Logs: {running.layout.log}
  Ctrl-C stops everything.
"""


def _run(arguments: argparse.Namespace, preset: str) -> int:
    llm = real_llm.environment(arguments.llm) if arguments.llm else {}
    options = stack.Options(preferred_port=RUN_PORT, environment=llm)
    running, lock = stack.start(arguments.dir, REPOSITORY, preset, options)
    try:
        print(_banner(running, llm), flush=True)
        stack.watch(running)
    except Interrupted:
        say("stopping")
        return 0
    finally:
        _show_reports(stack.finish(running.record, keep_logs=False))
        lock.release()


def _down(arguments: argparse.Namespace) -> int:
    reports = stack.stop(arguments.dir, arguments.keep_logs)
    if reports is None:
        say(f"no stack in {arguments.dir}")
        return 0
    say(f"stopped the stack in {arguments.dir}")
    return _show_reports(reports)


def main() -> int:
    arguments = _parser().parse_args()
    raise_on_signals()
    os.umask(0o077)
    preset = os.environ.get("AGW_PRESET", "release")
    try:
        if arguments.command == "down":
            return _down(arguments)
        return _up(arguments, preset) if arguments.command == "up" else _run(arguments, preset)
    except StackError as error:
        say(str(error))
        return 1
    except Interrupted as stopped:
        return 128 + stopped.number
