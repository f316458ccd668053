"""What a fresh root takes over from this machine, so that its package managers reach their registries.

Settings may hold credentials: they go into roots that are removed again, never onto the screen or a command line.
"""

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .redact import secrets_of
from .report import FreshError

MAX_FILE = 16 << 20  # bytes; a CA bundle has some 200 KB
MAX_SCANNED = 1 << 20  # bytes of a file of settings that are searched for what it refers to
# An absolute path as the value of a setting: key = /path, key "/path", [signed-by=/path]
REFERENCE = re.compile(r"[=:\s\",]\s*\"?(?:mirror\+)?(?:file:(?://)?)?(/[\w.+@/-]+)")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass
class Settings:
    """`files`: path inside a root -> this machine's file. `texts`: path inside a root -> content, mode 0600.
    `environment` is that of every command in there."""

    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def add_file(self, source: Path, target: str | None = None, *, references: bool = False) -> None:
        """A file that is not there is left out. With `references`, files that it names come along."""
        if not source.is_file() or source.stat().st_size > MAX_FILE:
            return
        self.files[target or str(source)] = source
        if references:
            text = source.read_text(encoding="utf-8", errors="replace")[:MAX_SCANNED]
            self.secrets |= secrets_of(text)
            self.add_references(text)

    def add_text(self, target: str, text: str) -> None:
        self.texts[target] = text
        self.secrets |= secrets_of(text)
        self.add_references(text)

    def add_variable(self, name: str, value: str) -> None:
        self.environment[name] = value
        self.secrets |= secrets_of(value) | secrets_of(f"{name}={value}")
        if value.startswith("/"):
            self.add_file(Path(value))

    def add_references(self, text: str) -> None:
        """Keyrings, certificates and the like. Programs that a setting names stay where they are."""
        for line in text.splitlines():
            if line.lstrip().startswith(("#", "//")):
                continue
            for name in REFERENCE.findall(line):
                path = Path(name)
                if path.is_file() and not os.access(path, os.X_OK):
                    self.add_file(path)

    def merged(self, other: "Settings") -> "Settings":
        return Settings(
            {**self.files, **other.files},
            {**self.texts, **other.texts},
            {**self.environment, **other.environment},
            self.secrets | other.secrets,
        )


def install(settings: Settings, root: Path) -> None:
    """Into a root that nothing runs in yet: no link in there can be the work of somebody else."""
    for target, source in settings.files.items():
        path = _place(root, target)
        shutil.copyfile(source, path)
        path.chmod(source.stat().st_mode & 0o777)
    for target, text in settings.texts.items():
        path = _place(root, target)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)


def _place(root: Path, target: str) -> Path:
    path = root / target.lstrip("/")
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise FreshError(f"{target} leads out of the new root through a symbolic link")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        path.unlink()
    return path
