"""What of a request has to reach the upstream, put together from the client's own bytes."""

import json
from dataclasses import dataclass

_DECODER = json.JSONDecoder()
# Members that an agent's run writes itself.
_OWN = ("model", "messages", "tools", "tool_choice", "stream", "stream_options", "n")


@dataclass
class Member:
    key: str
    name: str  # as it was written, with its quotes
    value: str
    at: int  # where the value begins


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def members(text: str) -> list[Member]:
    """Of the object that begins there, each as it was written."""
    found, at = [], _skip(text, 0) + 1
    while text[at := _skip(text, at)] != "}":
        at = _skip(text, at + 1) if text[at] == "," else at
        key, end = _DECODER.raw_decode(text, at)
        begin = _skip(text, _skip(text, end) + 1)
        stop = _DECODER.raw_decode(text, begin)[1]
        found.append(Member(key, text[at:end], text[begin:stop], begin))
        at = stop
    return found


def elements(text: str) -> list[str]:
    found, at = [], 1
    while text[at := _skip(text, at)] != "]":
        at = _skip(text, at + 1) if text[at] == "," else at
        stop = _DECODER.raw_decode(text, at)[1]
        found.append(text[at:stop])
        at = stop
    return found


def _asking_for_usage(options: str) -> str:
    written = members(options) if options.startswith("{") else []
    if not written:
        return '{"include_usage":true}'
    if not any(member.key == "include_usage" for member in written):
        return '{"include_usage":true,' + options[1:]
    for member in reversed(written):
        if member.key == "include_usage":
            options = options[: member.at] + "true" + options[member.at + len(member.value) :]
    return options


def by_plain_model(body: bytes, upstream_model: str) -> bytes:
    """The client's bytes; only the model is another, and streams are asked for their usage."""
    text = body.decode()
    written = {member.key: member for member in members(text)}
    changes = {"model": json.dumps(upstream_model)}
    if "stream" in written and written["stream"].value == "true":
        if "stream_options" in written:
            changes["stream_options"] = _asking_for_usage(written["stream_options"].value)
        else:
            end = text.rindex("}")
            text = text[:end] + ',"stream_options":{"include_usage":true}' + text[end:]
    for key in sorted(changes, key=lambda key: -written[key].at):
        member = written[key]
        text = text[: member.at] + changes[key] + text[member.at + len(member.value) :]
    return text.encode()


def by_agent(body: bytes, upstream_model: str, instructions: str) -> bytes:
    """The first call of an agent without tools of its own."""
    written = members(body.decode())
    value = {member.key: member.value for member in written}
    system = {"role": "system", "content": instructions}
    messages = [json.dumps(system, separators=(",", ":")), *elements(value["messages"])]
    out = '{"model":%s,"messages":[%s]' % (json.dumps(upstream_model), ",".join(messages))
    tools = value.get("tools", "null")
    if tools != "null" and elements(tools):
        out += ',"tools":[%s]' % ",".join(elements(tools))
    if value.get("tool_choice", "null") != "null":
        out += ',"tool_choice":' + value["tool_choice"]
    for member in written:
        if member.key not in _OWN:
            out += f",{member.name}:{member.value}"
    if value.get("stream") == "true":
        out += ',"stream":true,"stream_options":' + _asking_for_usage(value.get("stream_options", "null"))
    return (out + "}").encode()


def recorded(text: str) -> list[dict]:
    """The records of the scripted LLM, with the bytes of each body in place of its value."""
    found = []
    for record in elements(text):
        body = next(member for member in members(record) if member.key == "body")
        document = json.loads(record)
        document["body"] = body.value.encode()
        found.append(document)
    return found
