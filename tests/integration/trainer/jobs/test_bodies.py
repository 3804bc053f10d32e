"""Bodies of scoring by HTTP."""

from shared.auth import Keys
from shared.settings import CommonSettings
from tests.harness.served_trainer import ROOT, serve_trainer


async def test_a_body_that_names_a_file_is_short(
    common: CommonSettings, keys: Keys, sqlite_url: str
) -> None:
    async with serve_trainer(common, keys, sqlite_url) as trainer:
        for path, status in (("none/incoming/a.csv", 422), ("x" * 100_000, 413)):
            answer = await trainer.operator.post(f"{ROOT}/scoring", json={"path": path})
            assert answer.status_code == status, answer.text
