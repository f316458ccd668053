"""Inside the engine's namespaces: builds the images of docker/, runs them as docker/README.md says, asks them."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from devstack import credentials

from . import edge_client
from .doubles import Doubles, Tree
from .engine import Engine, Ground
from .report import StepFailed, StepSkipped

BARE = "agw-fresh-bare"
BASE_IMAGE = "base-image"  # folder
STARTING_POINT = "debian:12-slim"  # of docker/*.Dockerfile
EXECUTOR, EDGE = "agent-gateway/executor", "agent-gateway/edge"
DOCKERFILES = {EXECUTOR: "docker/executor.Dockerfile", EDGE: "docker/edge.Dockerfile"}
IMPORT_TIMEOUT_S = 600
BUILD_TIMEOUT_S = 45 * 60
STOP_S = 20  # that `docker stop` waits before it kills
VOLUME = "agent-gateway-run"
GROUP = 10001  # of both images: agent-gateway


@dataclass(frozen=True)
class Inside:
    ground: Ground
    work: Path
    logs: Path
    context: Path
    base: Path
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        return self.work / "engine"

    def engine(self, step: str) -> Engine:
        return Engine(self.ground, self.data, self.logs / f"{step}-dockerd.log", self.environment)


def _require_that_containers_run(engine: Engine) -> None:
    try:
        engine.ask("run", "--rm", "--network=host", STARTING_POINT, "true")
    except StepFailed as error:
        raise StepSkipped(f"Docker Engine starts here, but no container: {error}") from None


def build(inside: Inside) -> str:
    with inside.engine("images") as engine:
        engine.do("import", str(inside.base), BARE, timeout=IMPORT_TIMEOUT_S)
        engine.do("build", f"--tag={STARTING_POINT}", str(inside.work / BASE_IMAGE), timeout=IMPORT_TIMEOUT_S)
        _require_that_containers_run(engine)
        # Named without a value: docker takes it from its own environment, and it stays out of the image.
        proxies = [f"--build-arg={name}" for name in inside.environment if name.lower().endswith("_proxy")]
        sizes = []
        for image, file in DOCKERFILES.items():
            command = ["build", "--network=host", *proxies, f"--file={inside.context / file}", f"--tag={image}"]
            engine.do(*command, str(inside.context), timeout=BUILD_TIMEOUT_S)
            size = int(engine.ask("image", "inspect", "--format={{.Size}}", image))
            sizes.append(f"{image} {size / 1e6:.0f} MB")
        version = engine.ask("version", "--format={{.Server.Version}}")
    return f"Docker Engine {version}: {', '.join(sizes)}"


@dataclass(frozen=True)
class Trust:
    """What an operator makes before the first start."""

    secret: Path
    keys: Path
    tls: Path
    ca: Path
    key: str


def _make_trust(folder: Path, example_keys: Path) -> Trust:
    folder.mkdir()
    certificates = credentials.make_certificates(folder / "tls")
    credentials.make_edge_secret(folder / "edge_secret")
    keys = credentials.make_keys(folder / "api_keys", example_keys)
    for path in (folder / "edge_secret", folder / "api_keys"):
        os.chown(path, 0, GROUP)
        path.chmod(0o440)
    return Trust(folder / "edge_secret", keys.file, folder / "tls", certificates.ca, keys.user)


def _start(engine: Engine, trust: Trust, urls: dict[str, str]) -> None:
    shared = ["--detach", "--network=host", f"--volume={VOLUME}:/run/agent-gateway"]
    shared += [f"--volume={trust.secret}:/etc/agent-gateway/edge_secret:ro"]
    variables = [f"--env={name}={value}" for name, value in urls.items()]
    serve = ["serve", "--config", "/etc/agent-gateway/gateway.yaml"]
    listen = ["--listen", "unix:/run/agent-gateway/executor.sock"]
    mounted = [
        f"--volume={trust.keys}:/etc/agent-gateway/api_keys:ro",
        f"--volume={trust.tls}:/etc/agent-gateway/tls:ro",
    ]
    # The edge first: the order must not matter, and it is the one that could spoil the volume for the other.
    engine.ask("run", *shared, *mounted, "--name=edge", EDGE)
    engine.ask("run", *shared, *variables, "--name=executor", EXECUTOR, *serve, *listen)


def _require_running(engine: Engine) -> None:
    for name in ("executor", "edge"):
        state = engine.state(name)
        if state["Status"] != "running":
            raise StepFailed(f"the container {name} is {state['Status']} with status {state['ExitCode']}")


def _stop(engine: Engine) -> None:
    for name in ("edge", "executor"):
        engine.ask("stop", f"--time={STOP_S}", name)
        status = engine.state(name)["ExitCode"]
        if status != 0:
            raise StepFailed(f"the container {name} ended with status {status} when it was stopped")


def try_out(inside: Inside, tree: Tree) -> str:
    example_keys = inside.context / "conf/api_keys.example"
    trust = _make_trust(inside.work / "trust", example_keys)
    try:
        with Doubles(tree) as doubles, inside.engine("containers") as engine:
            try:
                _start(engine, trust, doubles.urls)
                client = edge_client.EdgeClient(trust.ca, trust.key)
                client.wait_ready(lambda: _require_running(engine))
                seen = client.ask_everything()
                _stop(engine)
            finally:
                for name in ("edge", "executor"):
                    sys.stdout.write(f"---- log of the container {name}\n")
                    engine.show_logs(name)
                engine.remove_all()
    finally:
        shutil.rmtree(inside.work / "trust")
    return f"{seen}; both stopped with status 0"
