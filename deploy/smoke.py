"""Run the whole loop through the containers of compose.yaml, then take them away again.

Usage: ``python deploy/smoke.py`` after ``deploy/engine.sh build``. Predict → review → train →
predict with the Python package, and a sign-in to the console; exits with 1, and shows the logs, at
the first thing that is not as it should be.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from smoke_loop import Loop, SmokeFailed

from surehand import SurehandError

DEPLOY = Path(__file__).resolve().parent
ENGINE = str(DEPLOY / "engine.sh")
SERVICES = ("router", "review_queue", "trainer", "console")
_INSIDE = "--inside-own-network"


@dataclass
class Stack:
    """A stack of its own: its project name, ports, secrets and volumes are nobody else's."""

    secrets: Path
    environment: dict[str, str]
    addresses: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure one step, and say how long it took."""
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started
        print(f"{name:28} {self.seconds[name]:7.1f} s", flush=True)

    def engine(self, *arguments: str, timeout: float = 300) -> str:
        """Run engine.sh; return its standard output."""
        return _run([ENGINE, *arguments], self.environment, timeout)

    def make_secrets(self) -> None:
        """Make throw-away secrets and keys."""
        environment = self.environment | {"PYTHON": sys.executable}
        _run([str(DEPLOY / "make-secrets.sh"), str(self.secrets)], environment, 60)

    def token(self, role: str) -> str:
        """Issue a token with the key that the services trust."""
        command = [sys.executable, "-m", "services", "token", "--home", str(self.secrets)]
        command += ["--role", role, "--subject", f"smoke-{role}"]
        return _run(command, self.environment, 60).strip()

    def logs(self) -> str:
        """Return the last lines of every container."""
        names = self.engine(
            "run", "ps", "--all", "--format", "{{.Names}}", "--filter",
            f"label=com.docker.compose.project={self.environment['DEPLOY_PROJECT']}",
        ).split()  # fmt: skip
        return "\n".join(
            f"--- {name}\n" + _all_output([ENGINE, "run", "logs", "--tail", "10", name])
            for name in names
        )

    def down(self) -> None:
        """Remove containers, volumes, network and secrets; say so if anything stays."""
        _all_output([ENGINE, "compose", "down", "--volumes", "--timeout", "10"], self.environment)
        shutil.rmtree(self.secrets, ignore_errors=True)
        label = f"label=com.docker.compose.project={self.environment['DEPLOY_PROJECT']}"
        kept = self.engine("run", "ps", "--all", "--quiet", "--filter", label).split()
        if kept:
            raise SmokeFailed(f"{len(kept)} containers were left behind")


def main() -> int:
    """Bring the stack up, run the loop, take the stack down."""
    images = _images()
    if not _inside_a_network_that_works(images["DEPLOY_PYTHON_IMAGE"]):
        return _again_in_own_network()
    stack = _stack(images)
    failed: Exception | None = None
    try:
        _bring_up(stack)
        loop = Loop(stack.addresses, {role: stack.token(role) for role in Loop.roles})
        for name, action in _steps(loop):
            with stack.step(name):
                action()
    except (SmokeFailed, SurehandError, subprocess.SubprocessError, OSError) as error:
        failed = error
        print(stack.logs(), file=sys.stderr)
    finally:
        with stack.step("down"):
            stack.down()
    for line in _sizes(stack, images):
        print(line)
    if failed is not None:
        print(f"deploy-smoke: FAILED: {failed}", file=sys.stderr)
        return 1
    print(f"deploy-smoke: ok ({sum(stack.seconds.values()):.0f} s)")
    return 0


def _bring_up(stack: Stack) -> None:
    with stack.step("secrets"):
        stack.make_secrets()
    with stack.step("up"):
        stack.engine("up")


def _steps(loop: Loop) -> list[tuple[str, Callable[[], None]]]:
    return [
        ("ready", loop.wait_ready),
        ("project and pool", loop.create_project),
        ("console, by a link", loop.sign_in_to_console),
        ("predict, no model yet", loop.predict_without_model),
        ("review and first version", loop.review_until_live),
        ("predict with a model", loop.predict_with_model),
        ("review, outcome", loop.resolve_outcome),
        ("certification", loop.review_until_certified),
        ("predict, answered", loop.predict_answered),
    ]


def _images() -> dict[str, str]:
    lines = _run([ENGINE, "images"], dict(os.environ), 900).splitlines()
    return dict(line.split("=", 1) for line in lines)


def _stack(images: dict[str, str]) -> Stack:
    secrets = Path(tempfile.mkdtemp(prefix="surehand-smoke-"))
    ports = {service: _free_port() for service in SERVICES}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SUREHAND_")
    }
    environment |= images
    environment |= {"DEPLOY_PROJECT": "surehand-smoke", "DEPLOY_SECRETS": str(secrets)}
    environment |= {f"DEPLOY_{service.upper()}_PORT": str(ports[service]) for service in SERVICES}
    addresses = {service: f"http://127.0.0.1:{ports[service]}" for service in SERVICES}
    return Stack(secrets, environment, addresses)


def _inside_a_network_that_works(image: str) -> bool:
    if _INSIDE in sys.argv or _run([ENGINE, "detect"], dict(os.environ), 60).strip() == "docker":
        return True
    probe = [ENGINE, "run", "run", "--rm", "--network", "bridge", image, "true"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def _again_in_own_network() -> int:
    """Where the machine's own network may not be changed, a bridge works in one of our own."""
    print("no bridge in this machine's network: running in one of its own", flush=True)
    inside = 'ip link set lo up && exec "$@"'
    command = ["unshare", "--net", "sh", "-c", inside, "sh", sys.executable, __file__, _INSIDE]
    return subprocess.run(command, check=False).returncode


def _sizes(stack: Stack, images: dict[str, str]) -> list[str]:
    tag = stack.environment.get("DEPLOY_TAG", "dev")
    names = [f"surehand/{service}:{tag}" for service in SERVICES]
    names += [images["DEPLOY_POSTGRES_IMAGE"], images["DEPLOY_REDIS_IMAGE"]]
    sizes = [stack.engine("run", "image", "inspect", "--format", "{{.Size}}", n) for n in names]
    return [f"{name:40} {int(size) / 1e6:6.0f} MB" for name, size in zip(names, sizes, strict=True)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: list[str], environment: dict[str, str], timeout: float) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=timeout,
        cwd=DEPLOY.parent,
    )  # fmt: skip
    if done.returncode != 0:
        shown = " ".join(Path(word).name for word in command[:3])
        raise SmokeFailed(f"{shown} … ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _all_output(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment, timeout=120,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
