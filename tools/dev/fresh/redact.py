"""Finds credentials in settings and keeps them out of logs."""

import re
from collections.abc import Callable

# user:password@ of a URL; such a thing is hidden even when no setting is known to hold it.
USERINFO = re.compile(r"(?<=://)[^/\s@\"']+(?=@)")
# A line of pip's, npm's or apt's settings that sets something secret: key=value or key "value".
SECRET_SETTING = re.compile(r"(?im)^[^#;\n=]*(?:token|passw|secret|_auth)[^=\n\s]*[ \t]*[=\s][ \t]*\"?([^\"\s;]+)")
# netrc's form, as in apt's auth.conf.
NETRC_PASSWORD = re.compile(r"(?<=\bpassword)\s+(\S+)")
SHORTEST = 4  # characters; anything shorter is a word such as "yes"


def secrets_of(text: str) -> set[str]:
    found = set(USERINFO.findall(text)) | set(SECRET_SETTING.findall(text)) | set(NETRC_PASSWORD.findall(text))
    found |= {part for userinfo in USERINFO.findall(text) for part in userinfo.split(":", 1)[1:]}
    return {secret for secret in found if len(secret) >= SHORTEST and secret.lower() not in ("true", "false")}


def redactor(secrets: set[str]) -> Callable[[str], str]:
    known = sorted(secrets, key=len, reverse=True)

    def redact(line: str) -> str:
        for secret in known:
            line = line.replace(secret, "(hidden)")
        return USERINFO.sub("(hidden)", line)

    return redact
