"""Chats whose tokens are known, for the tests of limits."""

import json

CHAT = '{"model":"m","max_tokens":90,"stream":false}'  # 44 bytes: 11 tokens, and 90
CHAT_TOKENS = 101


def chat_location(words="", more=""):
    return """
        location = /v1/chat/completions { agent_scope chat; proxy_pass http://executors; %s %s }
        location = /v1/models { agent_scope chat mcp; proxy_pass http://executors; }
        location = /status { access_log off; agent_status json; }
    """ % (words, more)


def with_usage(total, completion=5):
    usage = json.dumps({"prompt_tokens": total - completion, "completion_tokens": completion, "total_tokens": total})
    return lambda request, connection: connection.answer(headers=[("X-Agent-Usage", usage)])


def remaining(client):
    return int(client.chat(CHAT).header("x-ratelimit-remaining-tokens"))
