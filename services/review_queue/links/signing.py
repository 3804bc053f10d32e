"""Signing the tokens that links give."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jwt
import structlog

from services.review_queue.links.messages import LinkToken
from services.review_queue.tables.links import LinkRow
from shared.auth import Keys
from shared.logs import cause_of
from shared.problems import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True)
class LinkSigner:
    """Signs with the newest private key in `folder` (ADR 23). It never makes a key."""

    folder: Path

    def sign(self, link: LinkRow, projects: list[str] | None, seconds: float) -> LinkToken:
        """Return a token for the link's holder, good for `seconds`.

        Raises `Unavailable`: there is no private key that this service can read.
        """
        keys = Keys(self.folder)
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


def _without_key() -> Unavailable:
    return Unavailable(
        "This review queue has no private key to sign tokens with. Set "
        "SUREHAND_REVIEW_QUEUE_SIGNING_KEYS_DIR to a folder with one."
    )
