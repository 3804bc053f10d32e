"""Field types: what services load of them."""

import subprocess
import sys

HEAVY = {"numpy", "PIL", "onnxruntime", "fastapi"}


def loaded_with(module: str) -> set[str]:
    """The modules in memory once `module` is imported, in a process of its own."""
    script = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


def test_the_contract_of_fields_loads_nothing_that_runs_models() -> None:
    assert not HEAVY & loaded_with("shared.contracts.projects")


def test_a_router_loads_pillow_with_its_first_image_alone() -> None:
    assert "PIL" not in loaded_with("services.router.app")
