"""What the story does in Label Studio, through its own API."""

from collections.abc import Sequence
from typing import Any

import httpx

CONFIG = """<View>
  <Text name="review" value="$text"/>
  <Choices name="mood" toName="review" choice="single">
    <Choice value="happy"/><Choice value="unhappy"/>
  </Choices>
</View>"""


class Studio:
    """One project of Label Studio."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        project = self._call("POST", "/api/projects/", title="Reviews", label_config=CONFIG)
        self.project: int = project["id"]
        self.backend = 0

    def _call(self, method: str, path: str, **body: Any) -> Any:
        response = self.client.request(method, path, json=body or None)
        if response.is_error:
            raise SystemExit(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json() if response.content else None

    def connect(self, url: str, token: str) -> dict[str, Any]:
        """Connect the backend at `url`, and give its webhook the token."""
        backend: dict[str, Any] = self._call(
            "POST",
            "/api/ml/",
            project=self.project,
            url=url,
            title="Surehand",
            auth_method="BASIC_AUTH",
            basic_auth_user="surehand",
            basic_auth_pass=token,
        )
        self.backend = backend["id"]
        # Label Studio makes the webhook with the backend, but without its credentials.
        for webhook in self._call("GET", f"/api/webhooks/?project={self.project}"):
            headers = {"Authorization": f"Token {token}"}
            self._call("PATCH", f"/api/webhooks/{webhook['id']}/", headers=headers)
        return backend

    def bring(self, texts: Sequence[str]) -> list[int]:
        """Import texts; return the numbers of their tasks, in order."""
        response = self.client.post(
            f"/api/projects/{self.project}/import?return_task_ids=true",
            json=[{"data": {"text": text}} for text in texts],
        )
        response.raise_for_status()
        return sorted(response.json()["task_ids"])

    def annotate(self, task: int, label: str) -> int:
        """Answer a task; return the annotation's number."""
        annotation = self._call(
            "POST", f"/api/tasks/{task}/annotations/", result=_result(label), lead_time=2.5
        )
        return int(annotation["id"])

    def change(self, annotation: int, label: str) -> None:
        """Answer otherwise than before."""
        self._call("PATCH", f"/api/annotations/{annotation}/", result=_result(label))

    def train(self) -> None:
        """Press "Start training" on the backend."""
        self._call("POST", f"/api/ml/{self.backend}/train", use_ground_truth=False)

    def pre_annotate(self) -> None:
        """Ask the backend for predictions on all tasks."""
        self._call(
            "POST",
            f"/api/dm/actions/?id=retrieve_tasks_predictions&project={self.project}",
            selectedItems={"all": True, "excluded": []},
        )

    def prediction(self, task: int) -> dict[str, Any] | None:
        """Return what the backend said of a task; None while it has not."""
        predictions = self._call("GET", f"/api/predictions/?task={task}")
        return predictions[0] if predictions else None


def _result(label: str) -> list[dict[str, Any]]:
    value = {"choices": [label]}
    return [{"from_name": "mood", "to_name": "review", "type": "choices", "value": value}]
