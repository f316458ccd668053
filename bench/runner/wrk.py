"""wrk as the load generator: a plain closed loop, or a flood at a rate."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import program
from .errors import BenchError

# The body comes from a file, because Lua's string escapes are not JSON's. The summary is one line of JSON.
SCRIPT = """\
local file = assert(io.open("{body}", "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
{headers}
{request}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{{"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"bad_status":%d,"socket_errors":%d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""

# A new wrong key for each request: no cache of ours or of the processor's can help.
FLOOD = """\
math.randomseed(os.time())
function request()
  wrk.headers["Authorization"] = "Bearer agk_" .. string.format("%x%x%x", math.random(0, 2^30), math.random(0, 2^30), math.random(0, 2^30))
  return wrk.format()
end
"""

# A timetable for all connections of a thread: wrk asks delay() in ms before each request. What the server is late with
# is sent as soon as a connection is free. When a tenth of a second's requests have begun, a file says so.
TIMETABLE = """\
local ffi = require("ffi")
ffi.cdef("typedef struct {{ long seconds; long nanoseconds; }} bench_time; int clock_gettime(int, bench_time *);")
local moment = ffi.new("bench_time")
local due, begun
function delay()
  ffi.C.clock_gettime(1, moment)
  local now = tonumber(moment.seconds) * 1000 + tonumber(moment.nanoseconds) / 1e6
  due = (due or now) + {gap_ms}
  begun = (begun or 0) + 1
  if begun == {announced} then io.open("{announce}", "w"):close() end
  return math.max(0, math.ceil(due - now))
end
"""
_CONNECTIONS = 200  # of a flood: enough for answers that take 10 ms
_LONGEST = 300  # seconds that a flood may go on
_BEGIN_WAIT = 10.0  # seconds until it must have begun
_REACHED = 0.95  # of the wanted rate


@dataclass(frozen=True)
class Result:
    requests: int
    duration_us: int
    p50_us: float
    p99_us: float
    bad_status: int
    socket_errors: int

    @property
    def per_second(self) -> float:
        return self.requests / self.duration_us * 1e6


def write_script(path: Path, body: Path, headers: dict[str, str], request: str = "") -> Path:
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    path.write_text(SCRIPT.format(body=body, headers=lines, request=request))
    return path


def run(url: str, script: Path, seconds: float, connections: int, expect_errors: bool = False) -> Result:
    """`expect_errors`: every answer is a 4xx, as it should be."""
    whole = max(1, round(seconds))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "5s", "-s", str(script), url]
    done = program.run(command, f"wrk on {url}", whole + 30)
    return _judge(done.returncode, done.stdout, done.stderr, url, expect_errors)


def _judge(code: int, out: str, errors: str, url: str, expect_errors: bool) -> Result:
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if code != 0 or not lines:
        raise BenchError(f"wrk failed:\n{out[-1000:]}{errors[-1000:]}")
    result = Result(**json.loads(lines[-1]))
    if result.socket_errors or result.requests == 0:
        raise BenchError(f"wrk on {url}: {result.requests} requests, {result.socket_errors} socket errors")
    wrong = result.requests - result.bad_status if expect_errors else result.bad_status
    if wrong:
        raise BenchError(f"wrk on {url}: {wrong} of {result.requests} answers have an unexpected status")
    return result


class Flood:
    """Requests that are all refused, at a rate, while other things happen."""

    def __init__(self, process: subprocess.Popen[str], url: str, rate: int) -> None:
        self._process, self._url, self._rate = process, url, rate

    def wait_begun(self, announce: Path) -> None:
        deadline = time.monotonic() + _BEGIN_WAIT
        while not announce.exists():
            if self._process.poll() is not None:
                out, errors = self._process.communicate()
                raise BenchError(f"wrk failed:\n{out[-1000:]}{errors[-1000:]}")
            if time.monotonic() > deadline:
                raise BenchError(f"the flood on {self._url} has not begun after {_BEGIN_WAIT:.0f} s")
            time.sleep(0.01)

    def stop(self) -> Result:
        """Ends it; it must have gone on until now, and at its rate."""
        if self._process.poll() is not None:
            raise BenchError(f"the flood on {self._url} ended before it was told to")
        self._process.send_signal(signal.SIGINT)
        try:
            out, errors = self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"the flood on {self._url} did not end within 30 s") from error
        result = _judge(self._process.returncode, out, errors, self._url, expect_errors=True)
        check_rate(result, self._rate, self._url)
        return result


def check_rate(result: Result, wanted: int, url: str) -> None:
    if result.per_second < _REACHED * wanted:
        raise BenchError(
            f"the flood on {url} reached {result.per_second:,.0f} requests/s, not {wanted:,}: this machine is too slow or too "
            "busy to measure beside it"
        )


def timetable(rate: int, announce: Path) -> str:
    return TIMETABLE.format(gap_ms=1000 / rate, announced=max(1, rate // 10), announce=announce)


@contextlib.contextmanager
def flood(url: str, script: Path, announce: Path, rate: int) -> Iterator[Flood]:
    """`script`: with timetable(rate, announce) in it. Under way when the block begins; the block stops it."""
    announce.unlink(missing_ok=True)
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_LONGEST}s", "--timeout", "5s", "-s", str(script), url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        found = Flood(process, url, rate)
        found.wait_begun(announce)
        yield found
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
