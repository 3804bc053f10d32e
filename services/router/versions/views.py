"""A project as calls see it at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.router.problems import VersionNotReady
from services.router.versions.documents import Documents
from services.router.versions.loading import LoadedVersion
from shared.contracts.versions import Channels
from shared.fields.layouts import Layout


@dataclass(frozen=True)
class View:
    """One project at one moment: never changed, only replaced.

    `serving` is the champion, or the one before it until it is loaded. `loaded` has it, and each
    version that the channels name and that is loaded; `failures` says why another one is not.
    `challenger` has a share of the traffic, which falls to the champion while it is not loaded.
    """

    documents: Documents
    serving: LoadedVersion | None = None
    loaded: Mapping[str, LoadedVersion] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    challenger: LoadedVersion | None = None
    shadows: tuple[LoadedVersion, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether a version serves calls of the project at this moment."""
        return self.serving is not None and self.documents.project.archived_at is None

    def ready(self) -> LoadedVersion:
        """Return the version that serves.

        Raises `VersionNotReady`: none does.
        """
        if self.serving is not None:
            return self.serving
        champion = self.documents.channels.champion
        if champion is None:
            raise VersionNotReady(None, "the trainer has published none yet")
        raise VersionNotReady(champion, self.failures.get(champion, "it is not loaded"))

    def layouts(self) -> dict[str, list[Layout]]:
        """Return how the versions that may answer want the pictures of each image field."""
        layouts: dict[str, list[Layout]] = {}
        for one in (self.serving, self.challenger):
            for name, wanted in one.layouts.items() if one is not None else ():
                layouts.setdefault(name, []).extend(wanted)
        return layouts

    def role(self, version: str) -> str:
        """Say what a version that is in memory is there for.

        While a new champion is loaded, or when it was refused, the one before it still serves.
        """
        channels = self.documents.channels
        challenger = channels.challenger.version if channels.challenger is not None else None
        if version == channels.champion:
            return "champion"
        if self.serving is not None and version == self.serving.version:
            return "previous"
        if version == challenger:
            return "challenger"
        return "shadow" if version in channels.shadow else "pinned"


def challenger_of(
    channels: Channels, loaded: Mapping[str, LoadedVersion], serving: LoadedVersion | None
) -> LoadedVersion | None:
    """Return the challenger if there is anything for it to do."""
    named = channels.challenger
    if named is None or named.share == 0:
        return None
    found = loaded.get(named.version)
    return None if found is serving else found
