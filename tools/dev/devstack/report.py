"""Messages for people go to stderr; stdout belongs to the export lines of `up`."""

import sys


class StackError(Exception):
    """Becomes a message and exit code 1."""


def say(message: str) -> None:
    print(f"dev: {message}", file=sys.stderr, flush=True)
