"""A LitServe API with one worker: each request on its own, or batched by LitServe."""

from typing import Any

from litserve import LitAPI, LitServer

from bench.serving.peers.graph import BATCH, BATCH_SECONDS, BATCH_SIZE, PORT, Graph


class Api(LitAPI):  # type: ignore[misc]
    """The graph as a LitServe API."""

    def setup(self, device: str) -> None:
        """Open the session."""
        del device
        self._graph = Graph()

    def decode_request(self, request: dict[str, Any]) -> list[str]:
        """Take the texts out of the request."""
        return list(request["texts"])

    def predict(self, x: Any) -> Any:
        """Score one request's texts, or those of several requests at once."""
        if not BATCH:
            return self._graph.run(x).tolist()
        rows = iter(self._graph.run([text for texts in x for text in texts]).tolist())
        return [[next(rows) for _ in texts] for texts in x]

    def batch(self, inputs: list[list[str]]) -> list[list[str]]:
        """Leave the requests apart: each may have several texts."""
        return inputs

    def unbatch(self, output: list[list[list[float]]]) -> list[list[list[float]]]:
        """Give each request its own rows."""
        return output

    def encode_response(self, output: list[list[float]]) -> dict[str, Any]:
        """Wrap the rows."""
        return {"probabilities": output}


if __name__ == "__main__":
    batching = {"max_batch_size": BATCH_SIZE, "batch_timeout": BATCH_SECONDS} if BATCH else {}
    server = LitServer(Api(**batching), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=PORT,
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
