"""The model repository extension: which versions this copy has, and which it lacks."""

from collections.abc import Iterator, Mapping

from services.router.protocols.oip.messages import ModelState
from services.router.versions.documents import named_by
from services.router.versions.views import View
from shared.auth import Principal


def index_of(views: Mapping[str, View], principal: Principal) -> list[ModelState]:
    """List the versions of the projects that `principal` may enter, by project."""
    return [
        state
        for project, view in sorted(views.items())
        if principal.may_enter(project)
        for state in _states(project, view)
    ]


def _states(project: str, view: View) -> Iterator[ModelState]:
    named = named_by(view.documents.channels)
    if not named:
        none = "the trainer has published no version yet"
        yield ModelState(name=project, version="", state="UNAVAILABLE", reason=none)
    for version in dict.fromkeys([*view.loaded, *named]):
        why = view.failures.get(version)
        if version in view.loaded:
            yield ModelState(name=project, version=version, state="READY", reason="")
        elif why:
            yield ModelState(name=project, version=version, state="UNAVAILABLE", reason=why)
        else:
            yield ModelState(name=project, version=version, state="LOADING", reason="")
