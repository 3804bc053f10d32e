"""What `/readyz` says of the store, on a real folder."""

from pathlib import Path

from structlog.testing import capture_logs

from shared.store import Store
from shared.store.check import StoreCheck


async def test_a_store_that_cannot_be_written_is_logged_once_with_its_cause(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    check = StoreCheck(Store(folder.as_uri()), "trainer")
    with capture_logs() as lines:
        assert await check() == {}
        (folder / "_trainer").unlink()
        (folder / "_trainer").mkdir()
        (folder / "_trainer" / "in-the-way").touch()
        for _ in range(3):
            assert await check() == {"store": "not writable"}
        (folder / "_trainer" / "in-the-way").unlink()
        (folder / "_trainer").rmdir()
        assert await check() == {}
    assert [line["event"] for line in lines] == ["store_not_writable", "store_writable_again"]
    assert "Is a directory" in lines[0]["cause"]
