"""A real Label Studio, in an environment of its own, on the same PostgreSQL."""

import asyncio
import contextlib
import secrets
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import orjson
from sqlalchemy.engine import make_url

from bench.ground import Ground
from bench.installation import until
from bench.review_queue.databases import LABELS, Postgres
from bench.review_queue.desks import over_http
from bench.review_queue.measurement import Cycles
from bench.serving.environments import NotInstalled, python_of
from bench.serving.processes import ROOT, Server, free_port, running
from bench.serving.workbench import LeftOut

REQUIREMENTS = ROOT / "bench" / "review_queue" / "label-studio.txt"
_USERS = ROOT / "bench" / "review_queue" / "label_studio_users.py"
_START_SECONDS = 300.0
_IMPORTED_AT_ONCE = 5_000
_CONFIG = f"""<View>
  <Text name="review" value="$text"/>
  <Choices name="mood" toName="review" choice="single">
    <Choice value="{LABELS[0]}"/><Choice value="{LABELS[1]}"/>
  </Choices>
</View>"""
_TEXT = "Arrived in two days, the box a little bent, and works as it should. Would buy it again."


@dataclass(frozen=True)
class Studio:
    """A running Label Studio with its annotators."""

    ground: Ground
    postgres: Postgres
    server: Server
    port: int
    client: httpx.AsyncClient
    credentials: list[str]
    _numbers: dict[str, int] = field(default_factory=dict)

    async def open(self, project: str, tasks: int) -> None:
        """Make a project, and import its tasks."""
        made = await self.client.post(
            "/api/projects/", json={"title": project, "label_config": _CONFIG}
        )
        number = self._numbers[project] = int(made.raise_for_status().json()["id"])
        for start in range(0, tasks, _IMPORTED_AT_ONCE):
            count = min(_IMPORTED_AT_ONCE, tasks - start)
            batch = [{"data": {"text": f"{start + n}: {_TEXT}"}} for n in range(count)]
            answer = await self.client.post(f"/api/projects/{number}/import", json=batch)
            answer.raise_for_status()

    async def shift(self, project: str, reviewers: int) -> Cycles:
        """Let annotators work through the API."""
        number = self._numbers[project]
        before = self.postgres.cpu_seconds()
        cycles = await over_http(
            self.ground,
            self.server,
            self.port,
            "label-studio",
            str(number),
            self.credentials[:reviewers],
        )
        cost = (self.postgres.cpu_seconds() - before) * 1e3 / max(1, cycles.answered)
        said = (await self.client.get(f"/api/projects/{number}/")).raise_for_status().json()
        lost = abs(int(said["total_annotations_number"]) - cycles.answered)
        return replace(cycles, lost=lost, database_cpu_ms=cost)


@contextlib.asynccontextmanager
async def label_studio(
    ground: Ground, postgres: Postgres, annotators: int
) -> AsyncIterator[Studio]:
    """Run Label Studio with so many annotators.

    Raises
    ------
    LeftOut
        It cannot be installed here.
    """
    try:
        python = await python_of("label-studio", REQUIREMENTS)
    except NotInstalled as error:
        raise LeftOut(str(error)) from error
    postgres.create("label_studio")
    port, token = free_port(), secrets.token_hex(20)
    environment = _environment(ground, postgres, token)
    program = python.parent / "label-studio"
    command = [str(program), "start", "--no-browser", "--internal-host", "127.0.0.1"]
    command += ["--port", str(port)]
    async with (
        running(command, environment, ground.log("label-studio"), ground.cores.server) as server,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Token {token}"},
            timeout=600,
            trust_env=False,
        ) as client,
    ):

        async def answers() -> bool:
            return (await client.get("/health")).is_success

        await until(server, answers, _START_SECONDS)
        credentials = await _annotators(python, environment, annotators)
        yield Studio(ground, postgres, server, port, client, credentials)


def _environment(ground: Ground, postgres: Postgres, token: str) -> dict[str, str]:
    address = make_url(postgres.url)
    return {
        "LABEL_STUDIO_BASE_DATA_DIR": str(ground.folder / "label-studio"),
        "LABEL_STUDIO_USERNAME": "operator@example.com",
        "LABEL_STUDIO_PASSWORD": secrets.token_hex(8),
        "LABEL_STUDIO_USER_TOKEN": token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "DJANGO_DB": "default",
        "POSTGRE_NAME": "label_studio",
        "POSTGRE_USER": str(address.username),
        "POSTGRE_PASSWORD": "",
        "POSTGRE_HOST": str(address.host),
        "POSTGRE_PORT": str(address.port),
    }


async def _annotators(python: Path, environment: dict[str, str], count: int) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        str(python), "-P", str(_USERS), str(count), env={**environment, "PATH": "/usr/bin:/bin"},
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise LeftOut("its annotators could not be made")
    tokens: list[str] = orjson.loads(said.splitlines()[-1])
    return tokens
