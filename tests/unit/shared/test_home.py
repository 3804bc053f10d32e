"""The home: for its user alone, and one sentence where it cannot be used."""

from pathlib import Path

import pytest

from shared.auth import Keys
from shared.home import prepare_home
from shared.settings import SettingsError


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_home_is_for_its_user_alone(tmp_path: Path) -> None:
    assert _mode(prepare_home(tmp_path / "new" / "home")) == 0o700


def test_an_existing_home_is_tightened_with_what_surehand_made_in_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = [
        *("review_queue.db", "trainer.db-wal", "surehand.log", "surehand.log.old", "tokens.json"),
        *("spool/0/000000000001.jsonl", "decisions/0/shop@2026-11-27@a-1.jsonl", "lock"),
        *("audits/0/dead-letter.jsonl", "keys/secret", "trainer/runs/a/rows.jsonl"),
    ]
    for name in files:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o664)
        path.parent.chmod(0o775)
    prepare_home(home)
    assert {name: oct(_mode(home / name)) for name in files} == dict.fromkeys(files, "0o600")
    folders = {home, *((home / name).parent for name in files)}
    assert {_mode(folder) for folder in folders} == {0o700}


def test_modes_are_never_loosened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "tokens.json").touch(mode=0o600)
    (home / "tokens.json").chmod(0o600)
    (home / "trainer.db").touch()
    (home / "trainer.db").chmod(0o640)
    prepare_home(home)
    assert (_mode(home / "tokens.json"), _mode(home / "trainer.db")) == (0o600, 0o600)


def test_other_files_public_keys_and_a_folder_that_users_share_stay_as_they_are(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    public = home / "keys" / "public" / "a.pem"
    public.parent.mkdir(parents=True)
    public.touch()
    (home / "holiday.jpeg").touch()
    for path in (public, home / "holiday.jpeg"):
        path.chmod(0o644)
    home.chmod(0o1777)
    prepare_home(home)
    assert _mode(home) == 0o1777
    assert (_mode(public), _mode(home / "holiday.jpeg")) == (0o644, 0o644)


def test_a_folder_made_for_keys_is_closed_but_its_public_keys_can_be_handed_on(
    tmp_path: Path,
) -> None:
    keys = Keys(tmp_path / "keys")
    kid = keys.ensure()
    assert (_mode(keys.folder), _mode(keys.folder / f"{kid}.key.pem")) == (0o700, 0o600)
    public = keys.public_folder
    assert (_mode(public), _mode(public / f"{kid}.pem")) == (0o755, 0o644)


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    elsewhere.chmod(0o644)
    home = tmp_path / "home"
    home.mkdir()
    (home / "tokens.json").symlink_to(elsewhere)
    prepare_home(home)
    assert _mode(elsewhere) == 0o644


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_home_that_cannot_be_made_is_named_with_the_cause(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError) as caught:
        prepare_home(tmp_path / place)
    assert str(caught.value) == (
        f"The home {tmp_path / place} cannot be used (Not a directory): "
        "set SUREHAND_HOME to a folder that this user may write."
    )
