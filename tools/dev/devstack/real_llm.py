"""What the executor's environment must hold to use a real model server instead of the scripted one."""

import json
import os
import urllib.error
import urllib.request

from .report import StackError, say

ASK_TIMEOUT = 10.0  # seconds
MAX_LIST_BYTES = 4 * 1024 * 1024

# With the sample configuration and no real model: the demo script's own, whatever the caller's shell exports.
DEMO = {"LLM_MODEL": "demo", "LLM_API_KEY": "not-needed"}


def _first_model(base_url: str, key: str) -> str:
    request = urllib.request.Request(f"{base_url}/models", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=ASK_TIMEOUT) as answer:
            models = json.loads(answer.read(MAX_LIST_BYTES))["data"]
            return str(models[0]["id"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, urllib.error.HTTPError):
            reason = f"status {error.code}"
        raise StackError(
            f"--llm: {base_url}/models names no model ({reason}); "
            "set LLM_MODEL, and LLM_API_KEY where a key is needed"
        ) from None


def environment(choice: str) -> dict[str, str]:
    """`choice` is the argument of --llm: a URL, or `env` for the URL in LLM_URL."""
    url = (os.environ.get("LLM_URL", "") if choice == "env" else choice).rstrip("/")
    if not url:
        raise StackError("--llm env needs LLM_URL in the environment, e.g. http://localhost:1234/v1")
    if not url.startswith(("http://", "https://")):
        raise StackError(f"--llm: '{url}' is no http:// or https:// URL")
    key = os.environ.get("LLM_API_KEY", "") or DEMO["LLM_API_KEY"]
    model = os.environ.get("LLM_MODEL", "")
    if not model:
        model = _first_model(url, key)
        say(f"using the model {model} (set LLM_MODEL for another one)")
    return {"LLM_BASE_URL": url, "LLM_API_KEY": key, "LLM_MODEL": model}
