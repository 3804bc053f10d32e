"""One-time links: how people sign in."""

from collections.abc import Sequence
from typing import Any

from surehand import endpoints as e
from surehand._async.pages import AsyncGroup, AsyncPages
from surehand.models.links import Link, LinkInvitation, LinkToken, OneTimeLink


class AsyncLinks(AsyncGroup):
    """`client.links`: let reviewers and operators in, and keep them signed in."""

    async def create(
        self,
        project: str | None,
        subject: str,
        *,
        role: str = "reviewer",
        hours: float | None = None,
        expires_seconds: float | None = None,
        tags: Sequence[str] | None = None,
    ) -> OneTimeLink:
        """Make a link that signs `subject` in once, in a project or (None) in all.

        `hours` is how long the session lasts, `expires_seconds` until when the link must be opened.
        `tags` replace those of `subject` in the project.
        """
        body: dict[str, Any] = {"subject": subject, "role": role}
        body |= {"hours": hours} if hours is not None else {}
        body |= {"expires_seconds": expires_seconds} if expires_seconds is not None else {}
        body |= {"tags": list(tags)} if tags is not None else {}
        if project is None:
            return await self._http.ask(e.MAKE_LINK_TO_ALL, {}, json=body)
        return await self._http.ask(e.MAKE_LINK, {"project": project}, json=body)

    def list(
        self, project: str | None = None, *, requested: bool | None = None
    ) -> AsyncPages[Link]:
        """List the links of a project, or (None) those to all; maybe only those asked for anew."""
        params = {"requested": requested}
        if project is None:
            return AsyncPages(self._http, e.LINKS_TO_ALL, {}, params)
        return AsyncPages(self._http, e.LINKS, {"project": project}, params)

    async def revoke(self, project: str | None, subject: str) -> int:
        """Revoke the links and the sessions of `subject`; return how many links it were."""
        body = {"subject": subject}
        if project is None:
            return (await self._http.ask(e.REVOKE_LINKS_TO_ALL, {}, json=body)).revoked
        answer = await self._http.ask(e.REVOKE_LINKS, {"project": project}, json=body)
        return answer.revoked

    async def inspect(self, code: str) -> LinkInvitation:
        """Return what a link is for; it stays unused."""
        return await self._http.ask(e.INSPECT_LINK, {}, json={"code": code})

    async def redeem(self, code: str) -> LinkToken:
        """Return the token that a link's code stands for; it works once."""
        return await self._http.ask(e.REDEEM_LINK, {}, json={"code": code})

    async def renew(self) -> LinkToken:
        """Return a new token in place of the client's, which came from a link."""
        return await self._http.ask(e.RENEW_LINK, {})

    async def request(self, code: str) -> None:
        """Ask the operators for a new link in place of a used or expired one."""
        await self._http.call(e.REQUEST_LINK.service, e.REQUEST_LINK.method, e.REQUEST_LINK.path,
                              json={"code": code})  # fmt: skip
