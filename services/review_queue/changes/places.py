"""Places in the feed of all projects' changes, and the cursors that name them."""

from dataclasses import dataclass

from services.review_queue.lifecycle.outcomes.places import Place, place_of
from shared.http.lists import decode_cursor, encode_cursor


@dataclass(frozen=True)
class Places:
    """How far a reader is in the outcomes of all projects, and in the changes of projects."""

    outcomes: Place
    projects: Place

    @property
    def cursor(self) -> str:
        """The cursor that names them."""
        return encode_cursor(f"{self.outcomes.cursor} {self.projects.cursor}")


def places_of(cursor: str | None) -> Places | None:
    """Return the places that `cursor` names, None for no cursor.

    Raises
    ------
    Unprocessable
        It is not a cursor of the feed of changes.
    """
    text = decode_cursor(cursor)
    if text is None:
        return None
    outcomes, _, projects = text.partition(" ")
    return Places(place_of(outcomes) or Place(), place_of(projects) or Place())
