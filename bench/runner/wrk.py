"""wrk as the load generator where a plain closed loop is enough."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

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
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "5s", "-s", str(script), url],
        capture_output=True,
        text=True,
        timeout=whole + 30,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise BenchError(f"wrk failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    result = Result(**json.loads(lines[-1]))
    if result.socket_errors or result.requests == 0:
        raise BenchError(f"wrk on {url}: {result.requests} requests, {result.socket_errors} socket errors")
    wrong = result.requests - result.bad_status if expect_errors else result.bad_status
    if wrong:
        raise BenchError(f"wrk on {url}: {wrong} of {result.requests} answers have an unexpected status")
    return result
