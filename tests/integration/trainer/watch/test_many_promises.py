"""The promises of several projects at once say what each project's own route says."""

import pytest

from services.trainer.watch import repository, view
from services.trainer.watch.messages import ProjectPromise
from services.trainer.watch.promises import describe_all
from shared.contracts.projects import Project
from shared.settings import CommonSettings
from shared.store import project_path
from tests.harness.trainer_and_queue import PROJECT, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts
from tests.integration.trainer.watch.test_audits_act import answer

OTHER = "other"


async def both(parts: TrainerParts) -> ProjectPromise:
    """Return what is said of the project, beside one without a version and a missing one."""
    told = await describe_all(parts.resources, [OTHER, PROJECT, "nobody", PROJECT])
    projects = {OTHER: named(parts.project), PROJECT: parts.project}
    assert [one.project for one in told.promises] == [OTHER, PROJECT]
    for one in told.promises:
        alone = await view.describe(parts.resources, projects[one.project])
        known = one.model_dump(exclude={"project"})
        assert known == {name: alone.model_dump()[name] for name in known}
    return told.promises[1]


def named(project: Project) -> Project:
    return project.model_copy(update={"project": OTHER})


async def test_many_promises_say_what_each_one_says(
    common: CommonSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "SHARED", 10)
    async with open_trainer_parts(common, database_url) as parts:
        await parts.resources.store.write_document(project_path(OTHER), named(parts.project))
        least = parts.project.training.min_new_labels
        await parts.label(range(1000, 1003), truth)
        none_yet = await both(parts)
        assert (none_yet.cause, none_yet.valid_now) == ("no_version", False)
        assert none_yet.next is not None
        assert (none_yet.next.event, none_yet.next.labels) == ("training", least - 3)
        assert none_yet.next.text == f"{least - 3} labels to go until a version is trained"
        await parts.label(range(1003, 1060), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version()
        await parts.step()
        opened = await both(parts)
        assert opened.next is not None
        assert opened.next.event == "certification"
        parts.queue.answer(truth)
        await parts.step()
        parts.clock.advance(minutes=10)
        certified = await both(parts)
        assert (certified.state, certified.share_answered) == ("certified", None)
        await answer(parts, range(2000, 2006), "a")
        assert (await both(parts)).share_answered == 1.0
        # Of the newest ten decisions six are answers; the older ones no longer count.
        parts.clock.advance(minutes=1)
        await answer(parts, range(2006, 2010), "b", decision="in_review", reason="below_threshold")
        parts.clock.advance(minutes=1)
        await answer(parts, range(2010, 2012), "c")
        assert (await both(parts)).share_answered == 0.6
