"""The home of a whole installation: one launcher at a time, and for its user alone."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.__main__ import main
from tests.harness import wait_until
from tests.harness.installation import Launched, launch
from tests.harness.powers import without_powers
from tests.harness.processes import ROOT

pytestmark = pytest.mark.thorough

SPEC = {"labels": ["no", "yes"], "fields": {"text": {"type": "text"}}}
COMMANDS = ["up", "demo", "router", "migrate trainer", "token --role caller --subject x"]


def _ports(launched: Launched) -> dict[str, str]:
    return {f"SUREHAND_{name.upper()}_PORT": str(port) for name, port in launched.ports.items()}


async def test_of_two_launchers_started_together_one_runs_and_the_other_says_a_sentence(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with launch(home, ready=False) as one, launch(home, ready=False) as other:
        both = [one, other]
        await wait_until(lambda: any(each.process.poll() is not None for each in both))
        await wait_until((home / "ready").exists)
        ended = [each for each in both if each.process.poll() is not None]
        assert [each.process.returncode for each in ended] == [2]
        words = ended[0].output.read_text()
        assert words.count("\n") == 1
        assert words.startswith(f"surehand: Surehand already runs on {home}")


async def test_the_next_start_follows_a_killed_launcher_once_its_services_have_ended(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with launch(home) as first:
        kill(first)
        # Its services have ended with it.
        with launch(home, ready=True, **_ports(first)) as second:
            router = second.child("router")
            router.suspend()
            try:
                kill(second)
                with launch(home, ready=False, **_ports(first)) as third:
                    number = str(third.process.pid)
                    await wait_until(lambda: (home / "lock").read_text() == number)
                    assert third.process.poll() is None
                    router.resume()
                    await wait_until((home / "ready").exists)
                    async with third.client("review_queue", "operator") as queue:
                        assert (await queue.put("/v1/projects/shop", json=SPEC)).status_code == 201
                    assert (home / "redis" / "redis.sock").is_socket()
                    assert third.stop() == 0
            finally:
                if router.is_running():
                    router.resume()


def kill(launched: Launched) -> None:
    """Kill a launcher, which leaves its lock and its mark that it is ready."""
    launched.process.kill()
    launched.process.wait()
    assert (launched.home / "lock").read_text() == str(launched.process.pid)
    (launched.home / "ready").unlink()


async def test_all_that_a_running_installation_writes_is_for_its_user_alone(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    with launch(home) as launched:
        async with (
            launched.client("review_queue", "operator") as queue,
            launched.client("router", "caller") as router,
        ):
            assert (await queue.put("/v1/projects/shop", json=SPEC)).status_code == 201
            body = {"items": [{"data": {"text": "a lamp"}}]}
            answer = await router.post("/v1/projects/shop/predict", json=body)
            assert answer.status_code == 200
        await wait_until(lambda: any((home / "store" / "shop" / "decisions").rglob("*.gz")))
        # What the harness itself keeps there it makes with its own modes.
        paths = [home, *(path for path in home.rglob("*") if not path.name.startswith("output-"))]
        public = home / "keys" / "public"
        open_ones = [
            f"{path.relative_to(home)} {oct(path.lstat().st_mode)}"
            for path in paths
            if path != public and public not in path.parents
            if not stat.S_ISSOCK(path.lstat().st_mode) and path.lstat().st_mode & 0o077
        ]
        assert open_ones == []
        names = {path.name for path in paths}
        assert {"review_queue.db", "trainer.db", "surehand.log", "tokens.json"} <= names


def _said(command: str, home: Path, before: Callable[[], None] | None = None) -> tuple[int, str]:
    inherited = {key: value for key, value in os.environ.items() if key[:9] != "SUREHAND_"}
    done = subprocess.run(
        [sys.executable, "-m", "services", *command.split()],
        cwd=ROOT, env={**inherited, "SUREHAND_HOME": str(home)}, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=before, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    ("case", "command"),
    [("read_only", command) for command in COMMANDS]
    + [("foreign_file", "up"), ("foreign_file", "migrate trainer"), ("below_a_file", "trainer")],
)
def test_a_home_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, case: str, command: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if case == "read_only":
        home.chmod(0o500)
    elif case == "foreign_file":
        # As after one start by another user, or by root.
        (home / "trainer.db").touch()
        (home / "trainer.db").chmod(0)
    else:
        (home / "file").touch()
        home /= "file/home"
    status, words = _said(command, home, without_powers())
    assert status == 2
    assert words.count("\n") == 1
    assert str(home) in words
    assert words.startswith("surehand: ")


def test_keys_and_store_of_a_home_may_be_read_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("keys/public", "store"):
        (home / name).mkdir(parents=True)
        (home / name).chmod(0o500)
    (home / "keys").chmod(0o500)
    assert _said("migrate trainer", home, without_powers()) == (0, "")


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, Path], tuple[int, str]]:
    """Run a command in this process; return its exit status and what it said."""

    def run(command: str, home: Path) -> tuple[int, str]:
        monkeypatch.setenv("SUREHAND_HOME", str(home))
        status = main(command.split())
        return status, "".join(capsys.readouterr())

    return run


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_token_makes_no_keys_where_none_are(
    tmp_path: Path, place: str, said: Callable[[str, Path], tuple[int, str]]
) -> None:
    home = tmp_path / place
    (tmp_path / "empty").mkdir()
    status, words = said("token --role caller --subject x", home)
    assert status == 2
    assert words.startswith(f"surehand: There are no keys in {home}")
    assert not (home / "keys").exists()


def test_keys_are_made_in_a_folder_that_is_named_and_exists(
    tmp_path: Path, said: Callable[[str, Path], tuple[int, str]]
) -> None:
    named = f"token --role caller --subject x --home {tmp_path}/keyring"
    status, words = said(named, tmp_path)
    assert (status, "There are no keys" in words) == (2, True)
    (tmp_path / "keyring").mkdir()
    status, words = said(named, tmp_path)
    assert (status, words.count(".")) == (0, 2)
    status, words = said("token --role caller --subject x", tmp_path / "keyring")
    assert status == 0
    assert f"signed with the keys of {tmp_path}/keyring, where nothing is ready" in words
