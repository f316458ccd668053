"""Request bodies that two JSON parsers may read differently, from one seed; and a strict reading of them."""

import json
import random

ALLOWED = "allowed"
FORBIDDEN = "forbidden"
KNOWN = (ALLOWED, "default/allowed", FORBIDDEN, "default/forbidden")
WATCHED = ("model", "stream", "user", "max_tokens", "max_completion_tokens", "max_output_tokens")
ODD_SPACES = ["\x00", "\x0b", "\x0c", "\x1f", "\x85", "\xa0", "\u2028", "\ufeff", "\u3000", "//x\n", "/*x*/", "#x\n"]
GARBAGE = [b"{}", b"null", b",", b"}", b"]", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"0", b'"', b"\r\n\r\n", b"\x1e"]
LOOKALIKES = ["Model", "MODEL", " model", "model ", "mo\u0434el", "m\u043edel", "model\u0000", "\ufeffmodel",
              "mode\u200bl", "\uff4dodel", "model\\", "mod\u0065\u0301l", "models", "mode", "__proto__"]  # fmt: skip
NAMES = ["default//forbidden", "/forbidden", "forbidden/", "default/../default/forbidden", "Forbidden", "forbidden ",
         "forbidden\u0000", "allowed\u0000forbidden", "allowed,forbidden", "default%2Fforbidden", "forb\u0456dden",
         "default\\/forbidden", "./forbidden", "allowed/forbidden", "forbidden/allowed", "*", "default/*", "",
         "scripted/forbidden-model", "scripted/plain", "forbidden-model", "a" * 257]  # fmt: skip


def escaped(rng: random.Random, text: str, rate: float) -> str:
    """The JSON string of `text`, some characters as \\u escapes in any case of their digits."""
    out = ['"']
    for char in text:
        if rng.random() < rate:
            for unit in char.encode("utf-16-be").hex(" ", 2).split():
                out.append("\\u" + "".join(rng.choice((digit.lower(), digit.upper())) for digit in unit))
        else:
            out.append(json.dumps(char, ensure_ascii=False)[1:-1])
    out.append('"')
    return "".join(out)


def space(rng: random.Random, odd: bool) -> str:
    text = "".join(rng.choice(" \t\r\n") for _ in range(rng.choice((0, 0, 0, 1, 3))))
    return text + rng.choice(ODD_SPACES) if odd and rng.random() < 0.2 else text


def nest(rng: random.Random, depth: int) -> str:
    value = rng.choice(('{"model":"forbidden"}', "[]", '"x"', '{"stream":true}'))
    for _ in range(depth):
        value = f"[{value}]" if rng.random() < 0.5 else '{"model":%s}' % value
    return value


def model_value(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.75:
        return escaped(rng, rng.choice(KNOWN), rng.choice((0, 0, 0.3, 1)))
    if kind < 0.9:
        return escaped(rng, rng.choice(NAMES), rng.choice((0, 0.3)))
    return rng.choice(
        ("null", "true", "1", "{}", '["forbidden"]', '{"model":"forbidden"}', "'forbidden'", "forbidden", '"\\ud800"',
         '"forbid\\x64en"', '"forbidden', "1e999", "-0")  # fmt: skip
    )


def other_member(rng: random.Random) -> tuple[str, str]:
    kind = rng.randrange(8)
    if kind == 0:
        return escaped(rng, rng.choice(LOOKALIKES), 0.1), escaped(rng, FORBIDDEN, 0)
    if kind == 1:
        return '"metadata"', nest(rng, rng.choice((1, 2, 5, 40, 60, 61, 62, 63, 64, 70, 300)))
    if kind == 2:
        return '"metadata"', escaped(rng, '"},"model":"forbidden",{"', 0.1)
    if kind == 3:
        return '"user"', rng.choice(('"u"', "null", "7", escaped(rng, "\\\",\"model\":\"forbidden", 0)))
    if kind == 4:
        return '"max_tokens"', rng.choice(("5", "null", "5.0", "1e3", "-1", "05", "99999999999999999999", '"5"', "NaN"))
    if kind == 5:
        return '"seed"', rng.choice(("1", "0.1", "1E+2", "-", "+1", ".5", "5.", "0x10", "Infinity", "-Infinity", "1" * 400))
    if kind == 6:
        return '"stop"', rng.choice(('"\\ud83c\\udf89"', '"\\ud83c"', '"\\udf89x"', '"\t"', '"\\a"', '"\\u12"', '"\x7f"'))
    return '"messages"' if rng.random() < 0.2 else '"metadata"', rng.choice(("[]", "{}", '[{"model":"forbidden"}]'))


def members(rng: random.Random) -> list[tuple[str, str]]:
    found = [(escaped(rng, "model", rng.choice((0, 0, 0, 0.4, 1))), model_value(rng))]
    found.append(('"messages"', '[{"role":"user","content":%s}]' % escaped(rng, 'Hi, "model":"forbidden"', 0.02)))
    if rng.random() < 0.12:
        found.append((escaped(rng, "model", rng.choice((0, 0.5))), model_value(rng)))
    if rng.random() < 0.06:
        found.pop(0)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        found.append(other_member(rng))
    if rng.random() < 0.1:
        found.append(('"stream"', rng.choice(("false", "null", "true", '"true"', "0"))))
    rng.shuffle(found)
    return found


def serialised(rng: random.Random) -> str:
    odd = rng.random() < 0.1
    comma = ",," if rng.random() < 0.01 else ","
    parts = [
        f"{space(rng, odd)}{key}{space(rng, odd)}:{space(rng, odd)}{value}{space(rng, odd)}" for key, value in members(rng)
    ]
    text = "{" + comma.join(parts) + ("," if rng.random() < 0.01 else "") + "}"
    return space(rng, odd) + text + space(rng, odd)


def encoded(rng: random.Random, text: str) -> bytes:
    kind = rng.random()
    if kind < 0.96:
        return text.encode("utf-8", "surrogatepass")
    if kind < 0.98:
        return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")), "surrogatepass")
    # Overlong: the two-byte form of an ASCII character, which no decoder may accept.
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    place = rng.randrange(len(body))
    if body[place] < 0x80:
        body[place : place + 1] = bytes((0xC0 | body[place] >> 6, 0x80 | body[place] & 0x3F))
    return bytes(body)


def damaged(rng: random.Random, body: bytes) -> bytes:
    place, end = sorted((rng.randrange(len(body) + 1), rng.randrange(len(body) + 1)))
    kind = rng.randrange(7)
    if kind == 0:
        return body[:place]
    if kind == 1:
        return body[:place] + body[end:]
    if kind == 2:
        return body[:place] + bytes([rng.randrange(256)]) + body[place + 1 :]
    if kind == 3:
        return body[:end] + body[place:end] + body[end:]
    if kind == 4:
        return rng.choice(GARBAGE) + body
    if kind == 5:
        return body + rng.choice(GARBAGE)
    return body + body


def generate(seed: int, count: int) -> list[bytes]:
    rng = random.Random(seed)
    bodies = []
    while len(bodies) < count:
        body = encoded(rng, serialised(rng))
        if rng.random() < 0.25:
            body = damaged(rng, body)
        bodies.append(body)
    return bodies


class Refused(Exception):
    pass


def _unique(pairs):
    names = [name for name, _ in pairs]
    return {**dict(pairs), "duplicates": {name for name in WATCHED if names.count(name) > 1}} if pairs else {}


def _no_constant(name):
    raise Refused(f"{name} is no JSON")


def strict_model(body: bytes) -> str:
    """The canonical model that a strict reader finds. Refused: there is no body that everybody reads alike."""
    try:
        text = body.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False, default=list).encode("utf-8")  # lone surrogates
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from None
    if not isinstance(document, dict) or not document:
        raise Refused("no object")
    if document["duplicates"]:
        raise Refused("duplicate keys")
    model = document.get("model")
    if not isinstance(model, str):
        raise Refused("no model")
    return model if "/" in model else f"default/{model}"
