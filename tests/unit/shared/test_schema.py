"""Which schemas a release works with."""

import importlib.util
from pathlib import Path

import pytest

import services.review_queue
import services.trainer
from shared.db.schema import Schema, known_revisions

KNOWN = ["0001", "0002", "0003-from-0002"]
SERVICES = (services.review_queue, services.trainer)
FOLDERS = [Path(service.__path__[0]) / "migrations" for service in SERVICES]


@pytest.mark.parametrize(
    ("current", "standing"),
    [
        ("0003-from-0002", "current"),
        (None, "behind"),
        ("0001", "behind"),
        ("0002", "behind"),
        ("0004", "ahead"),
        ("0009-from-0003", "ahead"),
        ("0009-from-0002", "ahead"),
        ("0004-from-0004", "unusable"),
        ("0009-from-0005", "unusable"),
        # Of another line of releases.
        ("0003", "unusable"),
        ("0002-from-0001", "unusable"),
        ("9f3a", "unusable"),
        ("", "unusable"),
    ],
)
def test_a_newer_schema_is_usable_unless_it_names_a_later_release(
    current: str | None, standing: str
) -> None:
    schema = Schema(current, KNOWN)
    assert schema.standing == standing
    fault = schema.fault("trainer")
    if standing in ("current", "ahead"):
        assert fault is None
    else:
        assert fault is not None
        assert ("run `python -m services migrate trainer`" in fault) == (standing == "behind")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_files_are_named_by_revisions_that_keep_the_oldest_release(folder: Path) -> None:
    revisions = known_revisions(folder)
    assert len({revision[:4] for revision in revisions}) == len(revisions)
    before, oldest = None, ""
    for revision in revisions:
        (file,) = (folder / "versions").glob(f"{revision}_*.py")
        spec = importlib.util.spec_from_file_location("migration", file)
        assert spec is not None
        assert spec.loader is not None
        migration = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(migration)
        assert (migration.revision, migration.down_revision) == (revision, before)
        named = revision.partition("-from-")[2]
        assert named >= oldest
        before, oldest = revision, named
