"""X-Agent-Proof, computed anew from its description and not from our code."""

import hashlib
import hmac
import re
import time


def assert_proof_holds(request, secret):
    match = re.fullmatch(r"v1;t=(\d+);h=([0-9a-f]{64})", request.header("X-Agent-Proof") or "")
    assert match, request.headers
    at, mac = match.groups()
    assert abs(int(at) - time.time()) < 30
    lines = ["agent-proof-v1", at, request.method, request.target, request.header("X-Request-Id")]
    lines += sorted(
        f"{name.lower()}:{value}"
        for name, value in request.headers
        if name.lower().startswith("x-agent-") and name.lower() != "x-agent-proof")
    expected = hmac.new(secret.encode(), "\n".join(lines).encode("latin-1"), hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, mac), lines
