"""Uploads a body as a real client does, and says what the client made of the refusal."""

import subprocess

import httpx
import openai

from certificates import trusting

MODEL = "m"
ENVELOPE = '{"messages":[{"role":"user","content":"%s"}],"model":"m"}'


def content_for(size):
    """The message with which the body, as the SDK writes it, has exactly this size."""
    return "x" * (size - len(ENVELOPE % ""))


def body_of(size):
    return (ENVELOPE % content_for(size)).encode()


class Uploader:
    """A client of one address with one key. Each way uploads once and returns the status that the client saw, or what
    it says instead. `timeout`: seconds without a sign of the edge."""

    def __init__(self, url, secret, certificate, directory, is_http2):
        self.url = url
        self.secret = secret
        self.certificate = certificate
        self.directory = directory
        self.is_http2 = is_http2

    def curl(self, size, request_id, timeout, *options):
        """Without `Expect`, which curl would send with a large body: so the body really comes."""
        status, _ = self.run_curl(size, request_id, timeout, "-H", "Expect:", "-w", "%{http_code}", *options)
        return status

    def run_curl(self, size, request_id, timeout, *options):
        """(what -w says, stderr)."""
        file = self.directory / f"body-{size}"
        if not file.exists():
            file.write_bytes(body_of(size))
        result = subprocess.run(
            ["curl", "-sS", "--http2" if self.is_http2 else "--http1.1", "--cacert", self.certificate,
             "--max-time", str(timeout), "--data-binary", f"@{file}", "-H", f"Authorization: Bearer {self.secret}",
             "-H", "Content-Type: application/json", "-H", f"X-Request-Id: {request_id}", "-o", "/dev/null", *options,
             f"{self.url}/chat/completions"], capture_output=True, text=True, check=False)
        return result.stdout if result.returncode == 0 else f"exit {result.returncode}", result.stderr

    def httpx(self, size, request_id, timeout):
        with httpx.Client(http1=not self.is_http2, http2=self.is_http2, verify=trusting(self.certificate),
                          timeout=timeout) as client:
            try:
                response = client.post(f"{self.url}/chat/completions", content=body_of(size),
                                       headers={"Authorization": f"Bearer {self.secret}", "X-Request-Id": request_id})
            except httpx.TransportError as error:
                return type(error).__name__
            return str(response.status_code)

    def openai(self, size, request_id, timeout):
        sizes = []
        http_client = openai.DefaultHttpxClient(
            http1=not self.is_http2, http2=self.is_http2, verify=trusting(self.certificate),
            event_hooks={"request": [lambda request: sizes.append(int(request.headers["content-length"]))]})
        with openai.OpenAI(base_url=self.url, api_key=self.secret, max_retries=0, timeout=timeout,
                           http_client=http_client) as client:
            try:
                client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content_for(size)}],
                                               extra_headers={"X-Request-Id": request_id})
                seen = "200"
            except openai.APIStatusError as error:
                seen = str(error.status_code)
            except openai.APIConnectionError as error:
                seen = type(error).__name__
        assert sizes == [size]
        return seen
