"""Label tasks of a project in the terminal: a number is a label, s skips, u undoes, q quits.

Usage: python examples/label_in_terminal.py PROJECT REVIEWER_TOKEN [QUEUE_ADDRESS]
"""

import sys
import time
from typing import Any

import httpx


class Reviewer:
    """One person at a terminal, and the lease in hand."""

    def __init__(self, project: str, token: str, address: str) -> None:
        self.project = project
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=address, headers=headers, timeout=40, trust_env=False)
        spec = self._checked(self.http.get(f"/v1/projects/{project}"))
        self.labels: list[str] = spec["labels"]
        sys.stdout.write(f"{spec['instructions']}\n")

    def lease(self) -> dict[str, Any] | None:
        """Return the next task's lease; None when none came within two seconds."""
        body = {"count": 1, "wait_seconds": 2}
        leases = self._checked(self.http.post(f"/v1/projects/{self.project}/leases", json=body))
        return leases["leases"][0] if leases["leases"] else None

    def act(self, token: str, action: str, body: dict[str, Any] | None = None) -> None:
        """Do something with a lease: verdict, skip, undo, release."""
        self._checked(self.http.post(f"/v1/leases/{token}/{action}", json=body or {}))

    @staticmethod
    def _checked(answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            sys.exit(f"{answer.status_code}: {answer.text}")
        document: dict[str, Any] = answer.json()
        return document


def main() -> None:
    """Label until nothing is left, or until q."""
    reviewer = Reviewer(*sys.argv[1:3], *(sys.argv[3:] or ["http://127.0.0.1:8001"]))
    keys = "  ".join(f"{number} {label}" for number, label in enumerate(reviewer.labels, 1))
    last: str | None = None
    done = 0
    while (lease := reviewer.lease()) is not None:
        sys.stdout.write(f"\n{lease['task']['data']}\n{keys}  s skip  u undo  q quit > ")
        sys.stdout.flush()
        started = time.monotonic()
        key = sys.stdin.readline().strip()
        if key.isdigit() and 1 <= int(key) <= len(reviewer.labels):
            seconds = time.monotonic() - started
            verdict = {"label": reviewer.labels[int(key) - 1], "active_seconds": seconds}
            reviewer.act(lease["token"], "verdict", verdict)
            last, done = lease["token"], done + 1
        elif key == "s":
            reviewer.act(lease["token"], "skip", {"reason": "unclear"})
        else:
            reviewer.act(lease["token"], "release")
            if key == "u" and last is not None:
                reviewer.act(last, "undo")
                last, done = None, done - 1
            elif key in {"q", ""}:
                break
    sys.stdout.write(f"\n{done} labelled.\n")


if __name__ == "__main__":
    main()
