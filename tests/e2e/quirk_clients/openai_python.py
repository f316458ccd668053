"""The official Python client. Argument: `chunks`, put together as applications do it, or `helper`, the client's own
stream(), which does it for them."""

import sys

import openai

from jobs import BASE_URL, KEY, MAX_RETRIES, PROMPT, TIMEOUT_S, tool, work

client = openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=MAX_RETRIES, timeout=TIMEOUT_S)


def reasoning_of(message) -> str:
    """No members of the client's types: whoever wants them reads them so."""
    return getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or ""


def see_usage(usage, seen: dict) -> None:
    if usage is not None:
        seen["usage"] = {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens}


def see_whole(answer, seen: dict) -> None:
    see_usage(answer.usage, seen)
    for choice in answer.choices:
        message = choice.message
        calls = [
            {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
            for call in message.tool_calls or []
        ]
        seen["choices"].append(
            {
                "text": message.content or "",
                "reasoning": reasoning_of(message),
                "tool_calls": calls,
                "finish_reason": choice.finish_reason,
            }
        )


def add_call(calls: list[dict], index: int, identity: str | None, function) -> None:
    if index == len(calls):
        calls.append({"id": None, "name": "", "arguments": ""})
    call = calls[index]
    call["id"] = identity or call["id"]
    if function is not None:
        call["name"] += function.name or ""
        call["arguments"] += function.arguments or ""


def see_chunk(chunk, seen: dict) -> None:
    see_usage(chunk.usage, seen)
    for choice in chunk.choices:
        while len(seen["choices"]) <= choice.index:
            seen["choices"].append({"text": "", "reasoning": "", "tool_calls": [], "finish_reason": None})
        into = seen["choices"][choice.index]
        delta = choice.delta
        into["text"] += delta.content or ""
        into["reasoning"] += reasoning_of(delta)
        for call in delta.tool_calls or []:
            add_call(into["tool_calls"], call.index, call.id, call.function)
        into["finish_reason"] = choice.finish_reason or into["finish_reason"]


def ask(job: dict, seen: dict) -> None:
    request = {
        "model": job["model"],
        "messages": [{"role": "user", "content": PROMPT}],
        "tools": [tool(name) for name in job["tools"]],
    }
    if not job["stream"]:
        see_whole(client.chat.completions.create(**request), seen)
        return
    request["stream_options"] = {"include_usage": True}
    if sys.argv[1] == "chunks":
        for chunk in client.chat.completions.create(**request, stream=True):
            see_chunk(chunk, seen)
        return
    with client.chat.completions.stream(**request) as stream:
        begun = False
        try:
            for _ in stream:
                begun = True
            stream.get_final_completion()
        finally:
            if begun:
                see_whole(stream.current_completion_snapshot, seen)


work(ask)
