"""What there is in the installation, for requests that are to find something."""

from typing import Any

import httpx
from hypothesis import strategies as st

from tests.conformance.conftest import PROJECT, SPEC
from tests.harness.installation import Launched
from tests.harness.trainer_and_queue import review

Bodies = st.SearchStrategy[Any]

_LABEL_CONFIG = """<View><Text name="text" value="$text"/><Choices name="label" toName="text">
<Choice value="positive"/><Choice value="negative"/></Choices></View>"""
_TEXT = st.text(max_size=40)
_LABELS = st.sampled_from(["positive", "negative", "neither"])
_ITEMS = st.lists(
    st.fixed_dictionaries(
        {"data": st.fixed_dictionaries({"text": _TEXT | st.just(review(1)["text"])})},
        optional={
            "item_id": st.text(min_size=1, max_size=9),
            "metadata": st.dictionaries(st.just("channel"), _TEXT, max_size=1),
        },
    ),
    min_size=1,
    max_size=3,
)
# By the end of the path: without them nearly every body is refused for what only people know.
_BODIES: dict[tuple[str, str], Bodies] = {
    ("post", "/predict"): st.fixed_dictionaries(
        {"items": _ITEMS}, optional={"review": st.sampled_from(["auto", "always", "never"])}
    ),
    ("post", "/tasks"): st.fixed_dictionaries({"tasks": _ITEMS}),
    ("post", "/leases"): st.fixed_dictionaries({"count": st.integers(1, 3)}),
    ("post", "/verdict"): st.fixed_dictionaries(
        {"label": _LABELS}, optional={"active_seconds": st.floats(0, 99), "comment": _TEXT}
    ),
    ("post", "/links"): st.fixed_dictionaries(
        {"subject": _TEXT}, optional={"expires_seconds": st.floats(1, 9)}
    ),
    ("post", "/verdicts"): st.fixed_dictionaries({"reviewer": st.just("anna"), "label": _LABELS}),
    ("post", "/infer"): st.lists(_TEXT, min_size=1, max_size=3).map(
        lambda texts: {
            "inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}]
        }
    ),
    ("post", "/label-studio/{project}/predict"): st.lists(_TEXT, max_size=3).map(
        lambda texts: {
            "tasks": [{"id": i, "data": {"text": text}} for i, text in enumerate(texts)],
            "label_config": _LABEL_CONFIG,
        }
    ),
    ("post", "/pool"): st.sampled_from(['{"data":{"text":"fine"}}\n{"data":{}}', "text\nfine\n"]),
    ("post", "/gold"): st.fixed_dictionaries(
        {"items": _ITEMS.map(lambda items: [{"label": "positive", **item} for item in items])}
    ),
    ("put", "/gold"): st.fixed_dictionaries({"label": _LABELS}, optional={"explanation": _TEXT}),
    ("post", "/pause"): st.fixed_dictionaries({"reason": _TEXT}),
    ("post", "/import"): st.sampled_from(
        [
            '{"item_id":"imported","data":{"text":"fine"},"label":"positive"}\n{"data":{}}',
            "item_id,data.text,label\nimported too,fine,\n",
        ]
    ),
    ("patch", "/v1/projects/{project}"): st.fixed_dictionaries(
        {"title": _TEXT}, optional={"instructions": _TEXT, "wording_only": st.booleans()}
    ),
    ("put", "/v1/projects/{project}"): st.fixed_dictionaries(
        {key: st.just(value) for key, value in SPEC.items()},
        optional={"title": _TEXT, "instructions": _TEXT},
    ),
}


class Known:
    """Path parameters by name that a service knows, and bodies that it understands."""

    def __init__(self, installation: Launched) -> None:
        self._queue = _Reader(installation, "review_queue")
        trainer = _Reader(installation, "trainer")
        task = self._queue.first("tasks")
        self._parameters = {
            "project": "shop",
            "item_id": task["item_id"],
            "task_id": task["task_id"],
            "reviewer": "anna",
            "run_id": trainer.first("runs")["run_id"],
            "version": trainer.first("versions")["version"],
            "dataset_id": trainer.first("datasets")["dataset_id"],
        }

    def path_parameters(self, operation: Any) -> dict[str, str]:
        """Return the values for those of an operation's path parameters that are known."""
        names = {parameter.name for parameter in operation.path_parameters}
        values = {name: self._parameters[name] for name in names & self._parameters.keys()}
        if "token" in names:
            values["token"] = self._queue.lease()
        if operation.method == "put" and "project" in values:
            # One that is replaced at random is no longer what the others know.
            values["project"] = "other"
        return values

    def bodies(self, operation: Any) -> Bodies | None:
        """Return bodies that make sense; None where none is needed or known."""
        ends = [
            end
            for method, end in _BODIES
            if method == operation.method and operation.path.endswith(end)
        ]
        return _BODIES[operation.method, max(ends, key=len)] if ends else None


class _Reader:
    def __init__(self, installation: Launched, service: str) -> None:
        self._address = installation.address(service) + PROJECT
        self._headers = {"Authorization": f"Bearer {installation.token('operator')}"}
        self._leases = 0

    def first(self, what: str) -> dict[str, Any]:
        """Return the first of a list."""
        answer = httpx.get(f"{self._address}/{what}", headers=self._headers, trust_env=False)
        rows: list[dict[str, Any]] = answer.raise_for_status().json()[what]
        return rows[0]

    def lease(self) -> str:
        """Lease a task and return the token."""
        self._leases += 1
        task = {"item_id": f"to-lease-{self._leases}", "data": review(self._leases)}
        self._post("tasks", {"tasks": [task]})
        return str(self._post("leases", {})["leases"][0]["token"])

    def _post(self, what: str, body: Any) -> Any:
        address = f"{self._address}/{what}"
        answer = httpx.post(address, headers=self._headers, json=body, trust_env=False)
        return answer.raise_for_status().json()
