"""The steps images and containers, seen from outside: their namespaces, and what must be gone afterwards."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import containers
from .base import Base
from .contained import Contained, Place
from .doubles import Tree
from .engine import Ground
from .report import Log, Outcome, Result, StepFailed, StepSkipped, Summary, recorded, say
from .settings import Settings, install

BUILD_TIMEOUT_S = 60 * 60  # both images
TRY_TIMEOUT_S = 10 * 60
# The engine gives containers files of their own for these.
ENGINES_OWN = ("/etc/resolv.conf", "/etc/hosts")


@dataclass(frozen=True)
class Job:
    work: Path
    logs: Path
    context: Path  # a clean clone: what `docker build` gets
    base: Base
    environment: dict[str, str]  # of the docker command: proxies


def prepare_base_image(job: Job, settings: Settings) -> None:
    """A folder for `docker build`: the bare root plus the way to the registries of this machine. The image that comes
    of it is only ever in the private engine, under the name that docker/*.Dockerfile starts from."""
    folder = job.work / containers.BASE_IMAGE
    (folder / "files").mkdir(parents=True)
    files = {target: source for target, source in settings.files.items() if target not in ENGINES_OWN}
    texts = {target: text for target, text in settings.texts.items() if target not in ENGINES_OWN}
    install(Settings(files, texts), folder / "files")
    (folder / "Dockerfile").write_text(f"FROM {containers.BARE}\nCOPY files/ /\n")


def build_and_try(job: Job, settings: Settings, tree: Tree | None, logs: dict[str, Log], summary: Summary) -> None:
    """Without `tree` there is nothing that the containers could ask, so they are not tried."""
    prepare_base_image(job, settings)
    with Ground.new() as ground:
        inside = containers.Inside(ground, job.work, job.logs, job.context, job.base.tar, job.environment)
        place = Place(own_tmpfs=ground.mount_points)
        say(f"building the images of docker/ (log: {logs['images'].path})")
        _step(
            "images", place, lambda: containers.build(inside), BUILD_TIMEOUT_S, job.work, logs["images"], summary
        )
        if not summary.passed("images"):
            built = summary.result("images")
            skipped = built.outcome == Outcome.SKIPPED
            note = built.note if skipped else "there are no images"
            summary.add(Result("containers", Outcome.SKIPPED if skipped else Outcome.NOT_RUN, note))
            return
        if tree is None:
            summary.add(Result("containers", Outcome.NOT_RUN, "the programs they ask come from the step run"))
            return
        place = Place(own_network=True, own_tmpfs=ground.mount_points)
        say(f"running the images (log: {logs['containers'].path})")
        body = lambda: containers.try_out(inside, tree)  # noqa: E731
        _step("containers", place, body, TRY_TIMEOUT_S, job.work, logs["containers"], summary)


def _step(
    step: str, place: Place, body: Callable[[], str], timeout: float, work: Path, log: Log, summary: Summary
) -> None:
    """`body` runs in a process of its own: how it ended comes back in a file."""
    report = work / f"{step}.json"
    with recorded(summary, step, log) as notes:
        with Contained(place, lambda: _reported(body, report), log) as running:
            running.wait(time.monotonic() + timeout)
        if not report.exists():
            raise StepFailed("it ended without a result")
        document = json.loads(report.read_text(encoding="utf-8"))
        if document["outcome"] == Outcome.SKIPPED:
            raise StepSkipped(document["note"])
        if document["outcome"] != Outcome.PASSED:
            raise StepFailed(document["note"])
        notes.append(document["note"])


def _reported(body: Callable[[], str], report: Path) -> int:
    try:
        outcome, note = Outcome.PASSED, body()
    except StepSkipped as reason:
        outcome, note = Outcome.SKIPPED, str(reason)
    except StepFailed as reason:
        outcome, note = Outcome.FAILED, str(reason)
    report.write_text(json.dumps({"outcome": outcome, "note": note}), encoding="utf-8")
    return 0
