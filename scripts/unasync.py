"""Generate client/surehand/_sync from client/surehand/_async, or check that it is up to date.

Usage: python scripts/unasync.py [--check]

Each word that asyncio needs is replaced, line by line, and the result is formatted. Modules that
say that they are written by hand are left alone.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "client" / "surehand" / "_async"
TARGET = ROOT / "client" / "surehand" / "_sync"
BY_HAND = "concurrency.py"

REPLACEMENTS = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"\bawait (?=\S)", ""),
        (r"\basync (?=def|with|for)", ""),
        (r"\basynccontextmanager\b", "contextmanager"),
        (r"\b_async\b", "_sync"),
        (r"\bAsync(?=[A-Z])", ""),
        (r"\b__a(?=enter__|exit__|iter__|next__)", "__"),
        (r"\ba(?=close\b|read\b|iter_bytes\b|next\b)", ""),
        (r"\bStopAsyncIteration\b", "StopIteration"),
        (r"\basyncio client\b", "client for threads"),
        (r"; `surehand._sync` is generated from it by ``scripts/unasync.py``", ", generated"),
    )
]


def synchronous(path: Path) -> str:
    """Return the module at `path` without asyncio, formatted."""
    text = path.read_text()
    for pattern, replacement in REPLACEMENTS:
        text = pattern.sub(replacement, text)
    place = str(TARGET / path.name)
    for command in (["check", "--fix-only", "--quiet", "--select=I"], ["format", "--quiet"]):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", place, "-"],
            input=text, capture_output=True, text=True, check=True, cwd=ROOT,
        ).stdout  # fmt: skip
    return text


def main() -> int:
    """Write the modules, or compare them; return the exit status."""
    is_check = "--check" in sys.argv[1:]
    wanted = {p.name: synchronous(p) for p in sorted(SOURCE.glob("*.py")) if p.name != BY_HAND}
    present = {p.name: p.read_text() for p in TARGET.glob("*.py") if p.name != BY_HAND}
    stale = sorted(name for name in wanted | present if wanted.get(name) != present.get(name))
    for name in stale:
        path = TARGET / name
        if is_check:
            sys.stdout.write(f"{path.relative_to(ROOT)} is stale: run scripts/unasync.py\n")
        elif name in wanted:
            path.write_text(wanted[name])
        else:
            path.unlink()
    return int(is_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
