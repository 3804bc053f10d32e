"""Problems of projects and their model versions."""

from shared.problems import NotFound, Unavailable


class ProjectNotFound(NotFound):
    """There is no such project in the store."""

    def __init__(self, project: str) -> None:
        super().__init__("Create the project at the review queue first.", project=project)


class VersionNotFound(NotFound):
    """There is no complete folder of such a version in the store."""

    kind, title = "version-not-found", "No such model version"

    def __init__(self, version: str) -> None:
        super().__init__("Name a version that the trainer lists.", version=version)


class StoreUnreachable(Unavailable):
    """The store cannot be read."""

    kind = "store-unreachable"

    def __init__(self) -> None:
        super().__init__("The store cannot be read; ask again.")


class VersionNotReady(Unavailable):
    """The version cannot score now; `version` None: there is none that could."""

    kind, title = "version-not-ready", "Model version not ready"

    def __init__(self, version: str | None, why: str) -> None:
        super().__init__(
            f"{f'Version {version}' if version else 'No version'} cannot score: {why}."
        )
        self.extensions.update(version=version)
