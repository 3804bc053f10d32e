"""Fail when a module has more than 300 lines or a function more than 40: no exemption list."""

import ast
import sys
from pathlib import Path

MODULE_LINES = 300
FUNCTION_LINES = 40
FOLDERS = ("client", "services", "shared", "bench", "deploy", "scripts", "examples")


def faults(path: Path) -> list[str]:
    """Return what is too long in the module at `path`."""
    text = path.read_text()
    lines = text.count("\n")
    found = [f"{path}: {lines} lines, at most {MODULE_LINES}"] if lines > MODULE_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES:
                found.append(f"{path}:{node.lineno} {node.name}: {size} lines, at most "
                             f"{FUNCTION_LINES}")  # fmt: skip
    return found


def main() -> int:
    """Check every module; return the exit status."""
    modules = [path for folder in FOLDERS for path in sorted(Path(folder).rglob("*.py"))]
    found = [fault for path in modules for fault in faults(path)]
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
