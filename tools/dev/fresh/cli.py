"""Arguments, the order of the steps, and the exit code of ./dev test fresh."""

import argparse
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from interrupt import Interrupted, raise_on_signals

from . import apt, base, commands, images, packages, readme, repository, settings
from .doubles import Tree
from .redact import redactor
from .report import Log, StepFailed, Summary, recorded, say
from .work import Work, give_back

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / "build/fresh"
STEPS = ("base", "run", "answer", "clean stop", "tests", "images", "containers")

def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev test fresh", allow_abbrev=False)
    parser.add_argument("--keep", action="store_true", help="leaves the roots in build/fresh/work")
    parser.add_argument("--only", choices=("run", "test", "images"), help="one of the parts; default: all")
    return parser.parse_args()


@dataclass
class Fresh:
    """One run of the command."""

    work: Work
    only: str | None
    environ: Mapping[str, str]
    summary: Summary = field(default_factory=Summary)

    def __post_init__(self) -> None:
        home = Path(self.environ.get("AGW_FRESH_HOME") or Path.home())
        self.network = packages.network(self.environ)
        self.apt = apt.settings()
        self.all = self.network.merged(self.apt).merged(packages.settings(self.environ, home))
        self.cache = Path(self.environ["AGW_FRESH_CACHE"]).absolute()
        self.root = commands.Root(
            self.work.folder / "root",
            {"PATH": base.PATH, "HOME": packages.ROOT_HOME, "LANG": "C.UTF-8", **self.all.environment},
        )

    def wants(self, part: str) -> bool:
        return self.only in (None, part)

    def log(self, stack: ExitStack, name: str) -> Log:
        log = Log(self.work.logs / f"{name}.log", redactor(self.all.secrets))
        stack.callback(log.close)
        return log

    def steps(self, stack: ExitStack) -> None:
        snapshot = repository.take(REPOSITORY, self.work.folder / "head.bundle")
        say(f"fresh: commit {snapshot.commit[:12]}")
        if snapshot.changed_files:
            say(
                f"fresh: {snapshot.changed_files} changed or new files are not committed, so they are not part of it"
            )
        made = self._base(stack, snapshot)
        if made is None:
            return
        if self.only != "images":
            lines = readme.read(self.root.path / commands.CLONE.lstrip("/") / "README.md")
            if self.wants("run"):
                logs = self.log(stack, "run"), self.log(stack, "answer")
                commands.run_and_ask(self.root, lines.run, *logs, self.summary)
            if self.only == "test" or (self.only is None and self.summary.passed("run")):
                commands.run_tests(self.root, lines.test, self.log(stack, "tests"), self.summary)
        if self.wants("images"):
            self._images(stack, made, snapshot)

    def _base(self, stack: ExitStack, snapshot: repository.Snapshot) -> base.Base | None:
        log = self.log(stack, "base")
        made = None
        with recorded(self.summary, "base", log) as notes:
            found = base.ensure(self.cache, self.work.folder, log, self.network.environment)
            if self.only != "images":
                base.unpack(found, self.root.path)
                settings.install(self.all, self.root.path)
                repository.clone(snapshot, self.root.path / commands.CLONE.lstrip("/"))
            notes.append(f"Debian {base.SUITE}, {'from the cache' if found.was_cached else 'by debootstrap'}")
            made = found
        return made

    def _images(self, stack: ExitStack, made: base.Base, snapshot: repository.Snapshot) -> None:
        context = self.work.folder / "context"
        repository.clone(snapshot, context)
        job = images.Job(self.work.folder, self.work.logs, context, made, self.network.environment)
        logs = {step: self.log(stack, step) for step in ("images", "containers")}
        images.build_and_try(job, self.network.merged(self.apt), self._tree(), logs, self.summary)

    def _tree(self) -> Tree | None:
        if self.only == "images":  # ./dev has prepared it
            return Tree(None, str(REPOSITORY), self.environ.get("AGW_PRESET", "release"))
        return Tree(self.root.path, commands.CLONE, "release") if self.summary.passed("run") else None


def main() -> int:
    arguments = _arguments()
    if os.geteuid() != 0:
        say("./dev test fresh needs root (or sudo): it makes a Debian root and namespaces")
        return 2
    raise_on_signals()
    os.umask(0o022)
    work, fresh, status = None, None, 0
    try:
        work = Work(FOLDER, arguments.keep)
        fresh = Fresh(work, arguments.only, os.environ)
        with ExitStack() as stack:
            fresh.steps(stack)
    except StepFailed as error:
        say(str(error))
        status = 2
    except Interrupted as stopped:
        say("stopping")
        status = 128 + stopped.number
    finally:
        if work is not None:
            work.close()
            cache = [fresh.cache] if fresh is not None else []
            give_back([work.logs, *cache], os.environ.get("SUDO_UID"))
    if fresh is not None:
        print(fresh.summary.text(STEPS), flush=True)
    return status or int(fresh is None or fresh.summary.failed)
