"""This machine's apt: its settings, and the mirror that the bare root is made from."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .report import FreshError
from .settings import Settings

ETC = Path("/etc/apt")
# Of apt's own options only how to reach archives is taken over. Hooks name programs of this machine, index
# targets and changelogs are no matter of access, and a program that finds the proxy is not in the root.
TAKEN = re.compile(r"^Acquire::(?!IndexTargets|Changelogs|\w+::Proxy-?Auto-?Detect)", re.IGNORECASE)
TARGET_FIELDS = ("IDENTIFIER", "REPO_URI", "RELEASE", "CODENAME", "COMPONENT", "LABEL")
FETCHABLE = ("http://", "https://", "file:/", "copy:/")  # what debootstrap can fetch from
MIRROR_LIST = re.compile(r"^mirror\+file:(?://)?(/.+?)/?$")
QUERY_TIMEOUT_S = 60
UPDATE_TIMEOUT_S = 600


@dataclass(frozen=True)
class Mirror:
    """`netrc`: the line with which wget logs in, when the machine has one; never part of the URL."""

    url: str
    netrc: str
    environment: dict[str, str]


def _ask(command: list[str], timeout: int = QUERY_TIMEOUT_S) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise FreshError("this machine has no apt: `./dev test fresh` needs Debian") from None
    except subprocess.TimeoutExpired:
        raise FreshError(f"{command[0]} {command[1]} did not end within {timeout} s") from None
    if done.returncode != 0:
        raise FreshError(f"{command[0]} {command[1]} failed with status {done.returncode}")
    return done.stdout


def architecture() -> str:
    return _ask(["dpkg", "--print-architecture"]).strip()


def settings() -> Settings:
    taken = Settings()
    sources = [ETC / "sources.list", *ETC.glob("sources.list.d/*.list"), *ETC.glob("sources.list.d/*.sources")]
    for path in sources:
        taken.add_file(path, references=True)
    login = [ETC / "auth.conf", *ETC.glob("auth.conf.d/*.conf")]
    for path in [*login, ETC / "preferences", *ETC.glob("preferences.d/*")]:
        taken.add_file(path, references=True)
    for path in [ETC / "trusted.gpg", *ETC.glob("trusted.gpg.d/*"), *ETC.glob("keyrings/*")]:
        taken.add_file(path)
    options = "".join(f"{line}\n" for line in _ask(["apt-config", "dump"]).splitlines() if TAKEN.match(line))
    taken.add_text("/etc/apt/apt.conf.d/00machine", options)
    return taken


def _first_of_list(url: str) -> str:
    """Cloud images of Debian name a file with mirrors instead of one."""
    match = MIRROR_LIST.match(url)
    if match is None or not Path(match[1]).is_file():
        return url
    for line in Path(match[1]).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            return line.split()[0]
    return url


def choose(targets: str, suite: str) -> str | None:
    """The URL of Debian's own archive of `suite` among the lines of `apt-get indextargets`."""
    for line in targets.splitlines():
        identifier, url, release, codename, component, label = line.split("|")
        # A suite by its role ("oldstable") is told by the code name that its archive says.
        same = release == suite or (codename == suite and release in ("stable", "oldstable", "oldoldstable"))
        if identifier == "Packages" and same and component == "main" and label == "Debian":
            url = _first_of_list(url)
            if url.startswith(FETCHABLE):
                return url
    return None


def find_mirror(suite: str) -> Mirror:
    query = ["apt-get", "indextargets", "--format", "|".join(f"$({name})" for name in TARGET_FIELDS)]
    url = choose(_ask(query), suite)
    if url is None:
        # Who an archive is apt knows only after it has read it once.
        _ask(["apt-get", "update", "-q"], UPDATE_TIMEOUT_S)
        url = choose(_ask(query), suite)
    if url is None:
        raise FreshError(f"this machine's apt has no http, https or file source of Debian {suite} (main)")
    match = re.match(r"(https?://)([^/@]+)@(.*)", url)
    if match:
        user, _, password = match[2].partition(":")
        return Mirror(match[1] + match[3], _netrc_line(match[3].split("/")[0], user, password), _proxy())
    return Mirror(url, _login_of(url), _proxy())


def _netrc_line(host: str, user: str, password: str) -> str:
    return f"machine {host.split(':')[0]} login {user} password {password}\n"


def _login_of(url: str) -> str:
    """apt's auth.conf has netrc's form, but its machines may have a scheme, a port and a path."""
    host = re.sub(r"^\w+:/*", "", url).split("/")[0]
    for path in [ETC / "auth.conf", *sorted(ETC.glob("auth.conf.d/*.conf"))]:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        for machine, user, password in re.findall(r"machine\s+(\S+)\s+login\s+(\S+)\s+password\s+(\S+)", text):
            if re.sub(r"^\w+://", "", machine).split("/")[0] in (host, host.split(":")[0]):
                return _netrc_line(host, user, password)
    return ""


def _proxy() -> dict[str, str]:
    """debootstrap fetches with wget, which knows nothing of apt's options."""
    found = {}
    for scheme in ("http", "https"):
        done = _ask(["apt-config", "shell", "VALUE", f"Acquire::{scheme}::Proxy"])
        match = re.search(r"^VALUE='(.+)'$", done, re.MULTILINE)
        if match and match[1] != "DIRECT":
            found[f"{scheme}_proxy"] = match[1]
    return found
