"""An upstream that answers at once, in the place of an executor."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from . import nginx

# Reads the request's body whole before it answers, as an executor does: nginx's own `return` would not, and a proxy
# closes the connection to an upstream that answers too early. `mirror` is the stock directive that reads a body.
HTTP = """\
    server {{
        listen 127.0.0.1:{port};
        listen unix:{socket};
        location / {{
            mirror /read;
            try_files /none @answer;
        }}
        location @answer {{
            add_header X-Agent-Usage '{{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}';
            add_header X-Agent-Run-Id 0123456789abcdef;
            return 200 '{answer}';
        }}
        location = /read {{
            internal;
            return 204;
        }}
    }}
"""


def _answer() -> str:
    content = "A short answer of the upstream. " * 24
    return (
        '{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"demo","choices":[{"index":0,'
        f'"message":{{"role":"assistant","content":"{content}"}},"finish_reason":"stop"}}],'
        '"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}'
    )


@contextlib.contextmanager
def run(directory: Path, socket: Path) -> Iterator[nginx.Nginx]:
    """Listens on a port too, for whoever asks it directly."""
    port = nginx.free_port()
    with nginx.run(directory, HTTP.format(port=port, socket=socket, answer=_answer()), port) as upstream:
        yield upstream
