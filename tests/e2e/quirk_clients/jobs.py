"""What the Python clients of this folder share: jobs come as JSON lines, what was seen of each goes out as one.

A job is {"name", "model", "stream", "tools"}; judge.py says what is seen. Environment: AGENT_URL, AGENT_KEY,
SSL_CERT_FILE; CLIENT_RETRIES=default leaves the client its retries.
"""

import json
import os
import sys
from collections.abc import Callable

import openai

BASE_URL = os.environ["AGENT_URL"] + "/v1"
KEY = os.environ["AGENT_KEY"]
TIMEOUT_S = 30
# A second try at a broken answer would see the same, a second later.
MAX_RETRIES = openai.DEFAULT_MAX_RETRIES if os.environ.get("CLIENT_RETRIES") == "default" else 0
PROMPT = "Hello"


def tool(name: str) -> dict:
    parameters = {"type": "object", "properties": {}, "additionalProperties": True}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


def work(ask: Callable[[dict, dict], None]) -> None:
    """`ask` takes a job and writes what it sees into the second, as far as it comes."""
    for line in sys.stdin:
        job = json.loads(line)
        seen = {"choices": [], "usage": None, "error": None}
        try:
            ask(job, seen)
        except openai.APIError as error:
            seen["error"] = {
                "status": getattr(error, "status_code", None),
                "code": error.code,
                "message": error.message,
            }
        except Exception as error:  # whatever else a client makes of an answer is for the comparison to judge
            seen["error"] = {"status": None, "code": None, "message": f"{type(error).__name__}: {error}"}
        print(json.dumps({"name": job["name"], **seen}), flush=True)
