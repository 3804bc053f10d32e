"""Slots: a folder for each living process, and the leftovers of dead ones."""

import subprocess
import sys
from pathlib import Path

from services.router.disk import Slot

HOLD = """
import sys, time
from pathlib import Path
from services.router.disk import Slot
slot = Slot.take(Path(sys.argv[1]))
(slot.folder / "1.jsonl").write_text("left")
print(slot.folder.name, flush=True)
time.sleep(60)
"""


def names(root: Path) -> list[str]:
    return [slot.folder.name for slot in Slot.abandoned(root, "*.jsonl")]


def test_two_holders_never_share_a_slot(tmp_path: Path) -> None:
    one, two = Slot.take(tmp_path), Slot.take(tmp_path)
    assert one.folder != two.folder
    one.close()
    again = Slot.take(tmp_path)
    assert again.folder == one.folder
    two.close()
    again.close()


def test_a_slot_with_a_living_holder_is_not_abandoned(tmp_path: Path) -> None:
    slot = Slot.take(tmp_path)
    (slot.folder / "1.jsonl").touch()
    assert names(tmp_path) == []
    slot.close()
    assert names(tmp_path) == [slot.folder.name]


def test_an_empty_slot_is_left_alone(tmp_path: Path) -> None:
    Slot.take(tmp_path).close()
    assert names(tmp_path) == []


def test_sigkill_frees_the_slot_with_what_is_in_it(tmp_path: Path) -> None:
    root = tmp_path / "slots"
    command = [sys.executable, "-c", HOLD, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert names(root) == []
        process.kill()
        process.wait(timeout=60)
    assert names(root) == [name]
