"""A configuration file, and the ways in which people and programs write one."""

import itertools
import shutil
import time
from pathlib import Path

from gateway_stack import wait_until

# (what follows the agents of the configuration, its line below them): nobody may take these into use.
MISTAKES = (
    ("  - {name: versioned, instructions: 'not closed\n", 2),
    ("  - {name: versioned, instructions: Hello., modle: m}\n", 1),
    ("  - {name: versioned, instructions: Hello., upstream: nobody}\n", 1),
)


def described(number: int) -> str:
    return f"Version {number}."


class ConfigFile:
    """`version` makes texts, the others write them."""

    def __init__(self, path: Path):
        self.path = path
        self.base = path.read_text()
        self._numbers = itertools.count(1)

    # What is written.

    def version(self, number: int) -> str:
        """The configuration of the tests with one agent more, which names the version."""
        return self.base + f"  - {{name: versioned, description: {described(number)}, instructions: {described(number)}}}\n"

    def broken(self, number: int) -> tuple[str, str]:
        """A version with a mistake, and where that is."""
        text, line = MISTAKES[number % len(MISTAKES)]
        return self.base + text, f"{self.path.name}:{self.base.count(chr(10)) + line}:"

    # How it is written.

    def in_place(self, text: str) -> None:
        self.path.write_text(text)

    def by_rename(self, text: str) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(text)
        new.replace(self.path)

    def in_two_writes(self, text: str) -> None:
        """As a program does that takes its time. The first part ends inside the braces of the last agent, so that no
        half can pass for a whole."""
        cut = text.rindex("{") + 10
        with self.path.open("w") as out:
            out.write(text[:cut])
            out.flush()
            time.sleep(0.05)  # longer than the delay of the tests: the half may be looked at
            out.write(text[cut:])

    def by_a_link(self, text: str) -> None:
        """The name is a symbolic link from now on, and is turned to a new file."""
        target = self._fresh(f"{self.path.name}.version")
        target.write_text(text)
        old = self.path.resolve() if self.path.is_symlink() else None
        self._turn(self.path, target.name)
        if old is not None and old != target:
            old.unlink(missing_ok=True)

    def as_editors_do(self, text: str) -> None:
        """A backup by rename, a swap file meanwhile, the new file under the old name."""
        swap = self.path.with_name(f".{self.path.name}.swp")
        swap.write_text("swap")
        self.path.replace(self.path.with_name(f"{self.path.name}~"))
        self.path.write_text(text)
        swap.unlink()

    def deleted_and_made_anew(self, text: str) -> None:
        self.path.unlink()
        self.path.write_text(text)

    def put_back(self) -> None:
        """An ordinary file with the text of the beginning."""
        self.by_rename(self.base)

    def _fresh(self, prefix: str) -> Path:
        return self.path.with_name(f"{prefix}-{next(self._numbers)}")

    def _turn(self, link: Path, target: str) -> None:
        new = link.with_name(f"{link.name}.turn")
        new.symlink_to(target)
        new.replace(link)


class MountedFolder(ConfigFile):
    """As container platforms show a configuration: each name leads through `..data`, which is turned to a new folder."""

    def __init__(self, path: Path):
        super().__init__(path)
        self.included = path.with_name("agents.yaml")
        self.included_base = self.included.read_text()

    def version(self, number: int) -> str:
        """Its agent stands in the included file, under a name of this version alone: the two files of different versions do
        not go together."""
        return self.base + f"aliases: {{versioned: v{number}/versioned}}\n"

    def turned(self, text: str, number: int) -> None:
        folder = self._fresh("..version")
        folder.mkdir()
        (folder / self.path.name).write_text(text)
        (folder / self.included.name).write_text(
            self.included_base + f"  - {{name: versioned, namespace: v{number}, description: {described(number)}, "
            f"instructions: {described(number)}}}\n")
        data = self.path.with_name("..data")
        old = data.resolve() if data.is_symlink() else None
        self._turn(data, folder.name)
        if old is None:
            for name in (self.included, self.path):
                self._turn(name, f"..data/{name.name}")
        else:
            shutil.rmtree(old)

    def put_back(self) -> None:
        self.included.unlink()
        self.included.write_text(self.included_base)
        super().put_back()


class Reloads:
    """What /admin/reload says. Nothing that it says may contradict itself, whenever it is asked."""

    def __init__(self, admin):
        self.admin = admin

    def now(self) -> dict:
        state = self.admin.get("/admin/reload").raise_for_status().json()["gateway"]
        assert state["attempt_count"] == state["success_count"] + state["failure_count"], state
        assert (state["last_error"] is None) == (state["last_errors"] == []), state
        return state

    def until(self, condition, what: str) -> dict:
        return wait_until(lambda: (state := self.now()) and condition(state) and state, what, 20)

    def taken(self, before: dict, what: str = "the good version is in use") -> dict:
        """Waits for one generation more than `before`; a refusal on the way (half a file) is passed over."""
        after = before["generation"] + 1
        state = self.until(lambda now: now["generation"] >= after and now["last_error"] is None, what)
        assert state["generation"] == after, state
        assert state["success_count"] > before["success_count"]
        return state

    def refused(self, before: dict, place: str) -> dict:
        """Waits for a last error at `place`; nothing else came into use."""
        state = self.until(lambda now: place in (now["last_error"] or "") and now["failure_count"] > before["failure_count"],
                           f"a refusal at {place}")
        assert state["generation"] == before["generation"], state
        return state
