"""Label tasks of a project in the terminal: a number is a label, s skips, u undoes, q quits.

Usage: python examples/label_in_terminal.py PROJECT REVIEWER_TOKEN [QUEUE_ADDRESS]
"""

import sys

from surehand import ReviewTask, Surehand, SurehandError


def show(task: ReviewTask, labels: list[str]) -> str:
    """Print a task, and return the key that the reviewer chose."""
    sys.stdout.write("\n" + "\n".join(f"{name}: {value}" for name, value in task.data.items()))
    keys = "  ".join(f"{number} {label}" for number, label in enumerate(labels, 1))
    sys.stdout.write(f"\n{keys}  s skip  u undo  q quit > ")
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def label_all(client: Surehand, project: str) -> int:
    """Label until nothing is left, or until q; return how many tasks were labelled."""
    found = client.projects.get(project)
    sys.stdout.write(f"{found.instructions}\n")
    last: ReviewTask | None = None
    labelled: set[str] = set()
    with client.review(project, wait_seconds=2) as tasks:
        # A task that is neither answered nor skipped is given back.
        for task in tasks:
            key = show(task, found.labels)
            if key.isdigit() and 1 <= int(key) <= len(found.labels):
                task.answer(found.labels[int(key) - 1])
                labelled.add(task.task_id)
                last = task
            elif key == "s":
                task.skip("unclear")
                last = task
            elif key == "u" and last is not None:
                last.undo()
                labelled.discard(last.task_id)
                last = None
            elif key in {"q", ""}:
                break
    return len(labelled)


def main() -> None:
    """Label with the token of the command line."""
    project, token = sys.argv[1:3]
    address = sys.argv[3] if len(sys.argv) > 3 else "http://127.0.0.1:8001"
    try:
        with Surehand(review_queue=address, token=token) as client:
            done = label_all(client, project)
    except SurehandError as error:
        sys.exit(str(error))
    sys.stdout.write(f"\n{done} labelled.\n")


if __name__ == "__main__":
    main()
