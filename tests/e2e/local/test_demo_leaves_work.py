"""After `make run` the demo project has posts for the reviewers' page."""

from pathlib import Path

import pytest

from services.demo.plan import OPEN_POSTS, Plan, project
from services.demo.seed import leave_open
from services.demo.surehand import PROJECT, connected
from services.demo.texts import RatedText
from services.serving import SERVICES
from tests.harness.installation import launch

pytestmark = pytest.mark.thorough


async def test_posts_wait_for_the_person_who_starts_it(tmp_path: Path) -> None:
    texts = [RatedText(f"post-{number}", f"Post {number}", (1,)) for number in range(200)]
    plan = Plan(held_out=[], first_stream=texts, second_stream=[], pool=[], changed=[])
    with launch(tmp_path / "home") as launched:
        addresses = {name: launched.address(name) for name in SERVICES}
        async with connected(addresses, launched.token("operator")) as surehand:
            await surehand.projects.put(PROJECT, project(min_new_labels=1000))
            await leave_open(surehand, plan)
            queue = await surehand.queue.get(PROJECT)
    assert queue.open == OPEN_POSTS
