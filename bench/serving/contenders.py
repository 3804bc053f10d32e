"""The rows of the comparison: what each one is, and how its server is started."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from bench.serving.environments import NotInstalled, python_of
from bench.serving.model import SMALL_TERMS, build_model
from bench.serving.processes import free_port, running
from bench.serving.surehand import infer_endpoint, surehand
from bench.serving.workbench import Endpoint, LeftOut, Workbench

Opening = Callable[[Workbench], AbstractAsyncContextManager[Endpoint]]


@dataclass(frozen=True)
class Contender:
    """One row. `key` is how targets name it."""

    key: str
    name: str
    open: Opening


@dataclass(frozen=True)
class PeerServer:
    """A server file in `peers/`, run by our interpreter or in an environment of its own."""

    folder: str
    shape: str
    path: str
    mode: str = ""
    own_environment: bool = False
    command: tuple[str, ...] = ("-m", "bench.serving.peers.{folder}.server")

    @contextlib.asynccontextmanager
    async def __call__(self, bench: Workbench) -> AsyncIterator[Endpoint]:
        """Start it, wait for its first right answer, give its endpoint, stop it.

        Raises
        ------
        LeftOut
            Its packages cannot be installed here.
        """
        port = free_port()
        python = await self._python(bench)
        names = {"folder": self.folder, "port": port}
        arguments = [part.format(**names) for part in self.command]
        environment = {
            "BENCH_MODEL": str(bench.model_path),
            "BENCH_PORT": str(port),
            "BENCH_MODE": self.mode,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": str(bench.folder),
            # Without a cluster Ray listens on loopback only.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "BENTOML_DO_NOT_TRACK": "1",
        }
        log = bench.log(self.folder)
        started = time.perf_counter()
        async with running([python, *arguments], environment, log, bench.cores.server) as server:
            endpoint = Endpoint(server, port, self.path, self.shape)
            await bench.first_answer(endpoint, checked=self.mode != "fixed")
            yield replace(endpoint, start_seconds=time.perf_counter() - started)

    async def _python(self, bench: Workbench) -> str:
        if not self.own_environment:
            return bench.python()[0]
        try:
            return str(await python_of(self.folder))
        except NotInstalled as error:
            raise LeftOut(str(error)) from error


@contextlib.asynccontextmanager
async def _predict(bench: Workbench) -> AsyncIterator[Endpoint]:
    async with surehand(bench) as installation:
        yield installation.endpoint


def _with_small_model(opening: Opening) -> Opening:
    """Serve the small model: what a request costs beside its scoring shows."""

    @contextlib.asynccontextmanager
    async def opened(bench: Workbench) -> AsyncIterator[Endpoint]:
        async with opening(bench.beside("small", build_model(SMALL_TERMS))) as endpoint:
            yield endpoint

    return opened


_BENTOML = (
    "-m", "bentoml", "serve", "bench.serving.peers.bentoml.server:Service",
    "--host", "127.0.0.1", "--port", "{port}", "--quiet",
)  # fmt: skip


_MLSERVER = PeerServer("mlserver", "oip", "/v2/models/bench/infer", own_environment=True)
_LITSERVE = PeerServer("litserve", "texts", "/predict", own_environment=True)
_BENTO = PeerServer("bentoml", "texts", "/predict", own_environment=True, command=_BENTOML)
_BARE = PeerServer("bare", "predict", "/predict")

# In the order of the table. The fixed answer shows what server and load generator can do at all.
CONTENDERS = (
    Contender("fixed", "bare ASGI, a fixed answer", replace(_BARE, mode="fixed")),
    Contender("bare", "bare ASGI + orjson + `session.run`", _BARE),
    Contender(
        "fastapi",
        "FastAPI `async def` + pydantic",
        PeerServer("plain_fastapi", "predict", "/predict"),
    ),
    Contender("surehand", "**Surehand predict**", _predict),
    Contender("bare-small", "bare ASGI, small model", _with_small_model(_BARE)),
    Contender("surehand-small", "**Surehand predict**, small model", _with_small_model(_predict)),
    Contender("surehand-v2", "**Surehand `/v2`**", infer_endpoint),
    Contender("mlserver", "MLServer", _MLSERVER),
    Contender("mlserver-batch", "MLServer, batching", replace(_MLSERVER, mode="batch")),
    Contender("bentoml", "BentoML", _BENTO),
    Contender("bentoml-batch", "BentoML, batching", replace(_BENTO, mode="batch")),
    Contender("litserve", "LitServe", _LITSERVE),
    Contender("litserve-batch", "LitServe, batching", replace(_LITSERVE, mode="batch")),
    Contender("ray", "Ray Serve", PeerServer("ray", "texts", "/", own_environment=True)),
)
