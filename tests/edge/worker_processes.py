"""What nginx's workers say about themselves in /proc."""

import pathlib


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def is_alive(pid):
    return command_line(pid) != b""


def is_leaving(pid):
    """The worker is gone, or serves what it has begun and takes nothing new."""
    return not is_alive(pid) or b"shutting down" in command_line(pid)
