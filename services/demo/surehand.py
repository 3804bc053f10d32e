"""The client of the demo, which uses the public API alone."""

from collections.abc import Mapping

from surehand import AsyncSurehand

PROJECT = "demo"
_TIMEOUT_SECONDS = 60.0


class DemoFailed(Exception):  # noqa: N818 - it is said to a person, in one sentence
    """A step of the demo did not do what it should; the message is one sentence."""


def connected(addresses: Mapping[str, str], token: str) -> AsyncSurehand:
    """Return a client of the services at `addresses` (by service name)."""
    return AsyncSurehand(
        router=addresses.get("router"),
        review_queue=addresses.get("review_queue"),
        trainer=addresses.get("trainer"),
        token=token,
        timeout=_TIMEOUT_SECONDS,
    )
