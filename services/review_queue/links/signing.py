"""Signing the tokens that links give."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jwt
import structlog

from services.review_queue.links.messages import LinkToken
from services.review_queue.tables.people import LinkRow
from shared.auth import Keys
from shared.logs import cause_of
from shared.problems import Unavailable, Unprocessable

log = structlog.get_logger()

# A browser keeps no cookie over 4,096 bytes: a token has a third more than its claims, and some 600
# bytes for all else.
_MOST_CLAIMS = 2_400


@dataclass(frozen=True)
class LinkSigner:
    """Signs with the newest private key in `folder` (ADR 23). It never makes a key."""

    folder: Path

    def sign(self, link: LinkRow, seconds: float) -> LinkToken:
        """Return a token for the link's holder, good for `seconds`.

        Raises `Unavailable`: there is no private key that this service can read.
        """
        keys, projects = Keys(self.folder), projects_of(link)
        origin = {"link": link.code_digest}
        if link.key_id is not None:
            origin["via"] = link.key_id
        try:
            if not keys.kids():
                raise _without_key()
            token = keys.issue(
                link.role,  # type: ignore[arg-type]
                link.reviewer,
                projects=projects,
                hours=seconds / 3600,
                more=origin,
            )
        except (OSError, ValueError) as error:
            log.warning("signing_key_unreadable", cause=cause_of(error))
            raise _without_key() from error
        # Read back: a token's times are whole seconds.
        claims = jwt.decode(token, options={"verify_signature": False})
        return LinkToken(
            token=token,
            role=link.role,  # type: ignore[arg-type]
            subject=link.reviewer,
            projects=projects,
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )


def projects_of(link: LinkRow) -> list[str] | None:
    """Return the names of the projects that a link is for, None for all."""
    return link.projects if link.project is None else [link.project]


def _without_key() -> Unavailable:
    return Unavailable(
        "This review queue has no private key to sign tokens with. Set "
        "SUREHAND_REVIEW_QUEUE_SIGNING_KEYS_DIR to a folder with one."
    )


def require_token_fits(projects: list[str] | None, subject: str) -> None:
    """Raise `Unprocessable` where the token of a link would be too long for a browser's cookie."""
    if projects is not None and len(json.dumps([*projects, subject])) > _MOST_CLAIMS:
        detail = (
            "have names that are too long together for the cookie of a session: name fewer and make"
            " several links, or make one to all projects"
        )
        raise Unprocessable([("/projects", detail)])
