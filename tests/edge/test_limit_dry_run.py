"""agent_limit with dry_run: counted and logged, and nobody is refused."""

from edge_keys import key_line
from limited_chats import CHAT, CHAT_TOKENS, chat_location, with_usage


def test_a_dry_run_counts_and_lets_pass(make_edge, executor):
    executor.respond = with_usage(CHAT_TOKENS)
    edge = make_edge(keys=key_line("alice"),
                     locations=chat_location(f"agent_limit requests=2/h tokens={CHAT_TOKENS}/h streams=1 dry_run;"))
    with edge.connect() as client:
        for number in range(4):
            response = client.chat(CHAT, [("X-Request-Id", f"n{number}")])
            assert response.status == 200
            assert response.header("x-ratelimit-limit-requests") is None
    found = [(edge.logged(f"n{n}")["limit"], edge.logged(f"n{n}")["limited_by"]) for n in range(4)]
    assert found == [("passed", ""), ("limited_dry_run", "key_tokens"), ("limited_dry_run", "key_tokens"),
                     ("limited_dry_run", "key_tokens")]
    status = edge.wait_for_rest()
    assert status["limited_dry_run_total{per=key,limit=requests}"] == 2
    assert status["limited_dry_run_total{per=key,limit=tokens}"] == 3
    assert status["limited_total{per=key,limit=requests}"] == 0


def test_a_dry_run_of_the_keys_own_limits(make_edge):
    edge = make_edge(http="agent_limit dry_run;", keys=key_line("alice", "allow=* requests=1/h"))
    with edge.connect() as client:
        assert [client.request("GET", "/v1/models").status for _ in range(3)] == [200, 200, 200]
    assert edge.status()["limited_dry_run_total{per=key,limit=requests}"] == 2
