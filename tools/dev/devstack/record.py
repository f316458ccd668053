"""D/stack.json: every process that belongs to a stack. Written before a process may do anything and after
each change, by rename, so that `down` can stop just what was started, whatever crashed."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import procfs

FILE_NAME = "stack.json"
NEW_FILE_NAME = FILE_NAME + ".new"  # the next version, before it is renamed


@dataclass
class Child:
    name: str  # "edge-1"
    kind: str  # edge, executor, double: decides how it is stopped
    pid: int
    start_time: int

    @property
    def alive(self) -> bool:
        return procfs.is_running(self.pid, self.start_time)


@dataclass
class Record:
    directory: Path
    created_directory: bool  # D was made by us, so `down` removes it too
    owner_pid: int  # the ./dev run or the ./dev up still at work
    owner_start_time: int
    children: list[Child] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.directory / FILE_NAME

    @property
    def owner_alive(self) -> bool:
        return self.owner_pid != 0 and procfs.is_running(self.owner_pid, self.owner_start_time)

    def save(self) -> None:
        content = asdict(self)
        content["directory"] = str(self.directory)
        new = self.directory / NEW_FILE_NAME
        with open(new, "w", encoding="utf-8") as out:
            json.dump(content, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        os.replace(new, self.path)


def new_record(directory: Path, created_directory: bool) -> Record:
    own = procfs.read_stat(os.getpid())
    assert own is not None
    return Record(directory, created_directory, own.pid, own.start_time)


def load(directory: Path) -> Record | None:
    try:
        content = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    content["directory"] = directory
    content["children"] = [Child(**child) for child in content["children"]]
    return Record(**content)
