"""What can go wrong, and where progress goes."""

import sys


class BenchError(Exception):
    """A bench could not be run, or measured something that makes no sense. Its text is for the user."""


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
