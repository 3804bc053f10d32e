"""Whether a project's recipe is one that the trainer has.

The trainer may be another image with packages of its own, so it stores the names of its recipes.
"""

import structlog
from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from shared.contracts.projects import BUILT_IN_RECIPES, InstalledRecipes
from shared.logs import cause_of
from shared.problems import Unavailable, Unprocessable
from shared.store import RECIPES_PATH, Store

log = structlog.get_logger()


async def require_recipe(store: Store, recipe: str, before: str | None) -> None:
    """Refuse a recipe that is neither built in, nor named by the trainer, nor the one `before`.

    A project may keep a recipe that the trainer has no longer: its other settings can be edited,
    and its runs say what is missing.

    Raises `Unprocessable`, which names the recipes there are; `Unavailable`: the store is away.
    """
    if recipe in BUILT_IN_RECIPES or recipe == before:
        return
    known = [*BUILT_IN_RECIPES, *await _named_by_trainer(store)]
    if recipe not in known:
        names = ", ".join(dict.fromkeys(known))
        fault = (
            f"must be one of: {names}. A recipe of a package, or of an extra (text-embedding), is "
            "known once a trainer that has it has started"
        )
        raise Unprocessable([("/training/recipe", fault)])


async def _named_by_trainer(store: Store) -> list[str]:
    try:
        document = await store.read_document(RECIPES_PATH, InstalledRecipes)
    except (StoreError, OSError) as error:
        log.warning("recipes_unread", cause=cause_of(error))
        raise Unavailable("The store is away; the trainer's recipes cannot be read.") from error
    except ValidationError as error:
        log.warning("recipes_unreadable", cause=cause_of(error))
        return []
    return [] if document is None else document.recipes
