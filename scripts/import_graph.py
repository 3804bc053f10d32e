"""Check the imports between the folders of each service: no cycle, and no chain too long.

A folder is a direct child of a service's package; a module that lies at the root counts as one.
The modules of contracts and fields import one another without a cycle: a contract holds fields,
and a field is written in the messages of contracts. The two count as one folder.
"""

import sys
from itertools import pairwise
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "services.console",
    "services.review_queue",
    "services.router",
    "services.trainer",
    "shared",
)
LONGEST_CHAIN = 8
COUNTED_AS = {"shared.fields": "contracts"}

Folders = dict[str, set[str]]


def folders_of(graph: grimp.ImportGraph, package: str) -> Folders:
    """Return which folders of `package` each of its folders imports; migrations are left out."""
    prefix = f"{package}."

    def folder(module: str) -> str:
        name = module.removeprefix(prefix).split(".")[0]
        return COUNTED_AS.get(prefix + name, name)

    imported: Folders = {}
    for module in graph.modules:
        if module.startswith(prefix) and folder(module) != "migrations":
            targets = imported.setdefault(folder(module), set())
            for target in graph.find_modules_directly_imported_by(module):
                if target.startswith(prefix) and folder(target) != folder(module):
                    targets.add(folder(target))
    return imported


def longest_chain(imported: Folders) -> list[str]:
    """Return the longest chain of folders, each of which imports the next.

    Raises
    ------
    ValueError
        The folders import one another in a circle; the message names them.
    """
    longest: dict[str, list[str]] = {}

    def walk(folder: str, above: list[str]) -> list[str]:
        if folder in above:
            circle = [*above[above.index(folder) :], folder]
            raise ValueError("cycle: " + " -> ".join(circle))
        if folder not in longest:
            below = (walk(one, [*above, folder]) for one in sorted(imported[folder]))
            longest[folder] = [folder, *max(below, key=len, default=[])]
        return longest[folder]

    return max((walk(folder, []) for folder in sorted(imported)), key=len, default=[])


def main() -> int:
    """Print the longest chain of each package; return 1 if any breaks a rule."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph("services", "shared", cache_dir=None)
    broken = False
    for package in PACKAGES:
        imported = folders_of(graph, package)
        try:
            chain = longest_chain(imported)
        except ValueError as error:
            sys.stderr.write(f"{package}: {error}\n")
            broken = True
            continue
        imports = len(list(pairwise(chain)))
        sys.stdout.write(f"{package}: {imports} imports, {' -> '.join(chain)}\n")
        broken = broken or imports > LONGEST_CHAIN
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
