"""A Ray Serve deployment with one replica behind Ray's own proxy."""

import signal
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from bench.serving.peers.graph import PORT, Graph


class Deployment:
    """The graph as a Ray Serve deployment."""

    def __init__(self) -> None:
        self._graph = Graph()

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Score the texts of one request."""
        texts = (await request.json())["texts"]
        return {"probabilities": self._graph.run(texts).tolist()}


if __name__ == "__main__":
    ray.init(num_cpus=1, include_dashboard=False)
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    deployment = serve.deployment(
        Deployment, num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1}
    )
    serve.run(deployment.bind(), logging_config={"enable_access_log": False})
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
