"""Routes of failing slices."""

from typing import Annotated

from fastapi import Path, Query

from services.trainer.monitoring.slices import comparing, service
from services.trainer.monitoring.slices.messages import SliceChanges, SlicesView
from services.trainer.resources import InProject, Tools, project_router

router = project_router("slices")
VersionName = Annotated[str, Path(max_length=100)]
VersionQuery = Annotated[str | None, Query(max_length=100, description="The champion by default.")]


@router.get("/slices", summary="Show on which kinds of items a version fails")
async def show_slices(tools: Tools, project: InProject, version: VersionQuery = None) -> SlicesView:
    """Show kinds of items on which the version is wrong more often, and how groups compare.

    Slices are looked for on one half of its 10,000 newest decisions that people labelled blind, and
    confirmed on the other. Groups are all values of the metadata keys that the project declares.
    """
    return await service.describe(tools, project, version)


@router.get("/versions/{version}/slices", summary="Show what a version changed, slice by slice")
async def show_changes(tools: Tools, project: InProject, version: VersionName) -> SliceChanges:
    """Show the error rates of a version and of the one before it, on the same judged items."""
    return await comparing.compare(tools, project, version)
