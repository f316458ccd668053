"""SIGINT, SIGTERM and SIGHUP as one exception, so that what was begun is given back however a program is stopped."""

import signal
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked us to stop. No Exception, so that nothing but the clean-up sees it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    # The clean-up that follows is bounded in time and must not be interrupted itself.
    for name in _SIGNALS:
        signal.signal(name, signal.SIG_IGN)
    raise Interrupted(number)


def raise_on_signals() -> None:
    for name in _SIGNALS:
        signal.signal(name, _interrupt)
