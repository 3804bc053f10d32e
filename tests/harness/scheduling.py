"""Which tests share a worker of pytest-xdist, so that what takes long to start starts once.

The groups of pytest-xdist's own `loadgroup` do nothing under pytest 9.2, silently: it marks them in
the tests' ids, which no longer change (pytest-dev/pytest-xdist#1386).
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# What the tests of a folder or module share: an installation, with a browser or without, the
# client's installation, a review queue and a trainer of bounded memory, or the documents of all
# services.
_GROUPS = {
    "tests/browser/": "pages",
    "tests/conformance/test_openapi.py": "conformance",
    "tests/console/": "pages",
    "tests/e2e/client/": "client",
    "tests/hostile/test_imports.py": "imports",
    "tests/integration/client/test_contract.py": "contract",
}


def group_of(test: str, *, is_thorough: bool) -> str:
    """Return the group of the test with this id; a test that shares nothing is one by itself.

    Of thorough tests nearly all need PostgreSQL: each worker starts one.
    """
    for folder, group in _GROUPS.items():
        if test.startswith(folder):
            return group
    return "postgresql" if "[postgresql" in test and not is_thorough else test


class SharedServers(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out groups of tests, the largest first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid, is_thorough=self.config.option.markexpr != "not thorough")
