"""Sessions from one-time links, which last on while they are used."""

from fastapi import Response

from services.console.web.cards import card
from services.console.web.session import keep_session, read_token
from services.console.web.visit import Visit


async def renew(visit: Visit, page: Response) -> None:
    """Renew the token of a link once half of its time is over, where its link still allows that."""
    if not visit.session.is_to_be_renewed or visit.fragment is not None:
        return
    renewed = await card(visit.api.call("review_queue", "POST", "/v1/links/renew"))
    session = read_token(str(renewed.value["token"])) if renewed else None
    if session is not None:
        keep_session(visit.request, page, session)
