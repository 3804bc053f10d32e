"""A user's program: `mypy --strict` is to find each type of it in the installed package."""

import asyncio
from typing import assert_type

from surehand import Answer, AsyncSurehand, Prediction, ProblemError, Surehand, verify_webhook
from surehand.models.promises import Promise
from surehand.models.tasks import OutcomePage, TaskSummary


def main() -> None:
    """Use the client for threads."""
    with Surehand(router="http://127.0.0.1:1", token="t", retries=0) as client:
        try:
            predictions = client.predict("demo", ["a", {"text": "b"}])
        except ProblemError as error:
            assert_type(error.status, int)
            return
        assert_type(predictions, list[Prediction])
        assert_type(predictions[0].label, str | None)
        for answer in client.as_completed("demo", ["a"], timeout=3):
            assert_type(answer, Answer)
        for page in client.outcomes("demo").follow():
            assert_type(page, OutcomePage)
        for task in client.review("demo"):
            assert_type(task.item_id, str)
            task.answer("positive")
        for row in client.tasks.list("demo", state="open"):
            assert_type(row, TaskSummary)


async def asynchronous() -> None:
    """Use the client for asyncio."""
    async with AsyncSurehand(token="t") as client:
        assert_type(await client.promise.get("demo"), Promise)
        assert_type(await client.resolve("demo", ["a"]), list[Answer])
        async for page in client.outcomes("demo").follow("cursor"):
            assert_type(page.cursor, str)
        async for task in client.review("demo"):
            await task.skip("unclear")


if __name__ == "__main__":
    verify_webhook({}, b"", "whsec_")
    main()
    asyncio.run(asynchronous())
