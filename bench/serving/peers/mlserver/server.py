"""MLServer in one process: inference in the server's own, no gzip, no metrics server."""

import asyncio

from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from bench.serving.peers.graph import BATCH, BATCH_SECONDS, BATCH_SIZE, PORT, Graph


class Runtime(MLModel):  # type: ignore[misc]
    """The graph as an MLServer runtime."""

    async def load(self) -> bool:
        """Open the session."""
        self._graph = Graph()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Score the texts of the first input."""
        rows = self._graph.run(StringCodec.decode_input(payload.inputs[0]))
        output = NumpyCodec.encode_output("probabilities", rows)
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=[output])


async def main() -> None:
    """Serve until SIGTERM."""
    settings = Settings(
        debug=False,
        host="127.0.0.1",
        http_port=PORT,
        grpc_port=0,
        metrics_endpoint=None,
        parallel_workers=0,
        gzip_enabled=False,
    )
    batching = {"max_batch_size": BATCH_SIZE, "max_batch_time": BATCH_SECONDS} if BATCH else {}
    model = ModelSettings(name="bench", implementation=Runtime, **batching)
    await MLServer(settings).start([model])


if __name__ == "__main__":
    asyncio.run(main())
