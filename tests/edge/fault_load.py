"""Load for the tests of faults, and what is looked at under it."""

import collections
import socket
import threading
import time

from raw_client import build_request

STREAM = '{"model":"m","max_tokens":90,"stream":true}'  # 43 bytes: 10 tokens, and 90
STREAM_TOKENS = 100
SHORT = '{"model":"m","max_tokens":90,"stream":false}'
CHAT = "/v1/chat/completions"
KILLED = "exited on signal 9"


def answer_short(request, connection):
    usage = ("X-Agent-Usage", '{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}')
    connection.answer(headers=[usage] if request.method == "POST" else [])


class Load:
    """Repeats a request on a keep-alive connection of each lane; a connection that the edge closes between two
    requests, or before any byte of an answer, is made anew."""

    def __init__(self, edge, requests, may_cut=False):
        self.edge = edge
        self.may_cut = may_cut  # a worker that is killed cuts answers
        self.statuses = [collections.Counter() for _ in requests]
        self.errors = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=lane)
                        for lane in zip(requests, self.statuses, strict=True)]

    def answers(self):
        return sum(statuses.total() for statuses in self.statuses)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.errors, self.errors

    def _run(self, request, statuses):
        while not self.stop.is_set():
            try:
                with self.edge.connect() as client:
                    while not self.stop.is_set() and is_answered(client, request):
                        statuses[client.response().status] += 1
            except (EOFError, ConnectionError, TimeoutError) as error:
                if not self.may_cut:
                    self.errors.append(error)
                    return
            except Exception as error:  # a thread's failure is told when the load ends
                self.errors.append(error)
                return


def is_answered(client, request):
    """False: the connection was closed before any byte of the answer."""
    try:
        client.send(request)
        return client.sock.recv(1, socket.MSG_PEEK) != b""
    except ConnectionError:
        return False


def answers_to(edge, request, count, lanes=10):
    """`count` requests at once on `lanes` connections: how often each status came."""
    clients = [edge.connect() for _ in range(lanes)]
    for client in clients:
        client.send(request * (count // lanes))
    found = collections.Counter(client.response().status for client in clients for _ in range(count // lanes))
    for client in clients:
        client.sock.close()
    return found


def asked(key):
    return build_request("GET", "/v1/models", key=key)


def status_of(edge, key):
    with edge.connect() as client:
        return client.request("GET", "/v1/models", key=key).status


def held(status):
    return tuple(status[name] for name in ("slots", "reserved_tokens", "ledger_entries", "open_chats"))


def holding(streams):
    return (streams, streams * STREAM_TOKENS, streams, streams)


def seconds_until(condition):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < 20
        time.sleep(0.005)
    return time.monotonic() - begin
