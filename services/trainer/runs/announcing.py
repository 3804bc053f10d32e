"""Store the names of this trainer's recipes, for the review queue to check projects by."""

import asyncio
from functools import partial

from obstore.exceptions import BaseError as StoreError
from pydantic import ValidationError

from services.trainer.recipes.installed import installed_recipes
from services.trainer.resources import Resources
from shared.contracts.projects import InstalledRecipes
from shared.loops import Loop
from shared.store import RECIPES_PATH, Store

_REST_SECONDS = 300.0


class RecipeAnnouncement:
    """Keeps ``index/recipes.json`` as the recipes are; a restored store gets it again."""

    def __init__(self, resources: Resources) -> None:
        turn, rest = partial(announce, resources.store), partial(asyncio.sleep, _REST_SECONDS)
        self.loop = Loop("recipe_names", turn, rest, expected=(StoreError, OSError))


async def announce(store: Store) -> None:
    """Write the names of the recipes, unless the store has the same."""
    wanted = InstalledRecipes(recipes=list(installed_recipes()))
    try:
        found = await store.read_document(RECIPES_PATH, InstalledRecipes)
    except ValidationError:
        found = None
    if found != wanted:
        await store.write_document(RECIPES_PATH, wanted)
