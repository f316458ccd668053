"""Arguments, results and exit codes of `./dev bench`."""

import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from devstack.report import StackError

from . import context, peers, report
from .errors import BenchError, say

BENCHES = ("edge", "flood", "chat", "idle", "abort", "hops", "memory", "scan", "keys", "reload", "upstreams", "peers")
RESULTS = context.REPOSITORY / "bench" / "results"
PUBLISHED = context.REPOSITORY / "bench" / "published"  # the tables of docs/performance.md are made from these


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench", allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; default: all of them")
    parser.add_argument(
        "--check", nargs="?", const="ship", choices=("ship", "aim"), metavar="aim",
        help="exit 1 when a Ship figure (or, with =aim, an Aim figure) is missed",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="only CPU figures, in fewer and shorter rounds; --check then has wider bounds")
    parser.add_argument("--publish", action="store_true", help="also write the results to bench/published/")
    parser.add_argument("--keep", action="store_true", help="leave the benches' folders, with all logs")
    peers.add_arguments(parser)
    return parser


def _commit() -> str:
    """Of the tree that was measured, as far as git knows."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=context.REPOSITORY, capture_output=True, text=True,
            timeout=10, check=False,
        )  # fmt: skip
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _run_one(name: str, arguments: argparse.Namespace) -> report.Report:
    preset = os.environ.get("AGW_PRESET", "release")
    effort = context.QUICK if arguments.quick else context.WHOLE
    folder = Path(tempfile.mkdtemp(prefix=f"agw-{name}-"))
    try:
        say(f"{name} …")
        module = importlib.import_module(f".{name}", __package__)
        inside = context.Context(folder, preset, effort, arguments.quick)
        return module.run(inside, peers.parse(arguments)) if name == "peers" else module.run(inside)
    finally:
        if arguments.keep:
            say(f"{name}: everything is left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _stop(_number: int, _frame: object) -> NoReturn:
    # So that every `with` is left and no process stays behind.
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        print(f"bench: no bench '{unknown[0]}'; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    column = "guard" if options.quick and options.check == "ship" else options.check
    missed: list[report.Miss] = []
    commit = _commit()
    try:
        peers.parse(options)  # complains before anything has run
        for name in dict.fromkeys(options.names or BENCHES):
            found = _run_one(name, options)
            path = report.write_json(found, RESULTS, commit, options.quick)
            print(report.table(found), flush=True)
            say(f"written: {path.relative_to(context.REPOSITORY)}")
            if options.publish:
                report.write_json(found, PUBLISHED, commit, options.quick)
            if column:
                missed += report.misses(found, column)
    except (BenchError, StackError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130
    if not column:
        return 0
    for miss in missed:
        print(f"missed ({column}): {miss}")
    if not missed:
        print(f"check ({column}): every figure is within its bound")
    return 1 if missed else 0
