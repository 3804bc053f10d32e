"""The export of a certificate: it agrees with itself, and no member can be changed unnoticed."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.__main__ import main
from services.trainer.ledger.retention import delete_expired
from services.trainer.promise.proof.export import export_certificate
from services.trainer.promise.proof.verification import DifferenceError, verify
from shared.problems import Conflict, NotFound
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import review, truth
from tests.harness.trainer_parts import TrainerParts, open_trainer_parts

pytestmark = pytest.mark.any_database

Lines = list[Any]


async def _export(parts: TrainerParts) -> bytes:
    return b"".join(await export_certificate(parts.resources, parts.project, "v1"))


async def _certify(parts: TrainerParts, *, errors: int = 0) -> None:
    """Train and certify v1, by a draw of which people contradict so many."""
    await parts.label(range(1000, 1060), truth)
    await parts.publish_version()
    await parts.step()
    asked = [i for i, task in parts.queue.tasks.items() if task["lane"] == "certification"]
    contradicted = {json.dumps(parts.queue.tasks[i]["data"]) for i in asked[:errors]}

    def judge(data: dict[str, Any]) -> str | None:
        return _opposite(data) if json.dumps(data) in contradicted else truth(data)

    parts.queue.answer(judge)
    await parts.step()
    assert (await parts.certificate()).state == "certified"


def _opposite(data: dict[str, Any]) -> str:
    return "negative" if truth(data) == "positive" else "positive"


async def _from_the_pool(parts: TrainerParts) -> bytes:
    await parts.import_reviews(range(100))
    await _certify(parts, errors=2)
    return await _export(parts)


async def _from_traffic(parts: TrainerParts) -> bytes:
    """Of traffic a third of which are copies of one text, in three spellings."""
    await parts.label(range(1000, 1060), truth)
    await parts.publish_version()
    parts.clock.advance(minutes=1)
    text = review(500)["text"]
    items = {f"item-{i}": review(i) for i in range(60)}
    copies = [text, text.upper(), f" {text} "]
    items |= {f"copy-{i}": {"text": copies[i % 3]} for i in range(30)}
    await parts.log_items(items, "r-1")
    await parts.read_ledger()
    await parts.step()
    parts.queue.answer(truth)
    await parts.step()
    return await _export(parts)


async def test_an_export_agrees_whatever_became_of_the_labels_since(
    common: CommonSettings, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_trainer_parts(common, database_url) as parts:
        body = await _from_the_pool(parts)
        export = verify(body.splitlines())
        assert export.header.version == "v1"
        assert [row.finding for row in export.drawn].count("wrong") == 2
        classes = (await parts.certificate()).result["classes"]
        assert [one["label"] for one in classes] == parts.project.labels
        assert sum(one["errors"] for one in classes) == export.header.certificate.errors
        assert export.header.certificate == (await parts.promise()).versions["v1"].certificate

        # A reviewer's second thoughts are later than the certificate.
        item = next(row.item_id for row in export.drawn if row.finding == "right")
        data = parts.queue.tasks[item]["data"]
        parts.queue.resolve(item, data, _opposite(data), revision=2, lane="certification")
        await parts.step()
        assert await _export(parts) == body

        path = tmp_path / "export.ndjson"
        path.write_bytes(body)
        capsys.readouterr()
        assert main(["verify-certificate", str(path)]) == 0
        assert capsys.readouterr().out.startswith("agrees: v1 of toys: 2 of the ")
        path.write_bytes(body[: len(body) // 2])
        assert main(["verify-certificate", str(path)]) == 1
        assert capsys.readouterr().out.startswith("differs: ")
        assert main(["verify-certificate", str(tmp_path / "none")]) == 2


async def test_an_export_from_traffic_has_its_seed_and_its_copies(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        export = verify((await _from_traffic(parts)).splitlines())
        assert export.header.draws[0].population["kind"] == "traffic"
        assert len(export.population) == 90
        copies = [row for row in export.drawn if row.copy_of is not None]
        assert copies
        assert {row.finding for row in copies} == {"right"}


async def test_a_certificate_of_two_draws_is_recomputed_from_both(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        await parts.import_reviews(range(200))
        await parts.label(range(1000, 1060), truth)
        await parts.publish_version()
        await parts.step()
        asked = sorted(parts.queue.tasks)
        contradicted = {json.dumps(parts.queue.tasks[i]["data"]) for i in asked[:8]}
        parts.queue.answer(
            lambda data: _opposite(data) if json.dumps(data) in contradicted else truth(data)
        )
        await parts.step()
        view = await parts.certificate()
        assert (view.attempt, view.state, view.test_number) == (2, "open", 1)
        parts.queue.answer(truth)
        await parts.step()
        certificate = (await parts.promise()).versions["v1"].certificate
        assert certificate is not None
        assert (certificate.labels, certificate.errors, certificate.attempt) == (80, 8, 1)
        lines = (await _export(parts)).splitlines()
        export = verify(lines)
        assert [len(part.drawn) for part in export.parts] == [40, 40]
        header = json.loads(lines[0])
        header["draws"][1]["plan"]["start"] += 1
        changed = _body([header, *map(json.loads, lines[1:])], sealed=True)
        with pytest.raises(DifferenceError, match="plan: start"):
            verify(changed)


async def test_a_certificate_that_allows_for_misses_is_recomputed_too(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.human_error = {"probes": 100, "misses": 3}
        export = verify((await _from_the_pool(parts)).splitlines())
        noise = export.header.certificate.label_noise
        assert noise is not None
        assert noise.state == "corrected"
        assert noise.target_tested < 0.2


async def test_what_has_no_proof_is_refused(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        with pytest.raises(NotFound):
            await _export(parts)
        await parts.label(range(1000, 1060), truth)
        await parts.publish_version()
        with pytest.raises(Conflict, match="no certificate"):
            await _export(parts)
        await parts.import_reviews(range(100))
        await parts.step()
        parts.queue.answer(truth)
        await parts.step()
        await _export(parts)
        await delete_expired(parts.resources, parts.project)
        await _export(parts)
        parts.clock.advance(days=parts.project.retention_days + 1)
        await delete_expired(parts.resources, parts.project)
        with pytest.raises(Conflict, match="not kept"):
            await _export(parts)


@pytest.mark.thorough
async def test_no_member_can_be_changed_unnoticed(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        lines = [json.loads(line) for line in (await _from_traffic(parts)).splitlines()]
    rng = np.random.default_rng(0)
    # Every member of one line of each kind, and random ones of all lines.
    kinds = {line["kind"]: number for number, line in enumerate(lines)}
    for number in (*kinds.values(), *rng.integers(0, len(lines), 100).tolist()):
        for path in _paths(lines[number]):
            changed = json.loads(json.dumps(lines))
            _change(changed[number], path)
            with pytest.raises(DifferenceError):
                verify(_body(changed))


def _paths(value: Any) -> list[tuple[Any, ...]]:
    """Paths of all values that hold no others; of a long list that of one."""
    if isinstance(value, dict):
        return [(key, *path) for key, child in value.items() for path in _paths(child)]
    if isinstance(value, list) and value:
        middle = len(value) // 2
        return [(middle, *path) for path in _paths(value[middle])]
    return [()]


def _change(line: Any, path: tuple[Any, ...]) -> None:
    *above, last = path
    for key in above:
        line = line[key]
    line[last] = _another(line[last])


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 0.9 if value else 0.5
    if isinstance(value, str):
        return f"{value}0"
    return "other"


def _body(lines: Lines, *, sealed: bool = False) -> list[bytes]:
    """Write lines as the export does; `sealed`: with the checksum that they have now."""
    body = [json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() for line in lines]
    if sealed:
        checksum = hashlib.sha256(b"".join(line + b"\n" for line in body[:-1]))
        end = {"kind": "end", "sha256": checksum.hexdigest()}
        body[-1] = json.dumps(end, separators=(",", ":")).encode()
    return body


def _header(**members: Any) -> Callable[[Lines], None]:
    return lambda lines: lines[0].update(members)


def _certificate(**members: Any) -> Callable[[Lines], None]:
    return lambda lines: lines[0]["certificate"].update(members)


def _plan(**members: Any) -> Callable[[Lines], None]:
    return lambda lines: lines[0]["draws"][0]["plan"].update(members)


def _row(kind: str, **members: Any) -> Callable[[Lines], None]:
    return lambda lines: next(line for line in lines if line["kind"] == kind).update(members)


def _drop(kind: str) -> Callable[[Lines], None]:
    return lambda lines: lines.remove(next(line for line in lines if line["kind"] == kind))


def _swap_drawn(lines: Lines) -> None:
    places = [place for place, line in enumerate(lines) if line["kind"] == "drawn"]
    lines[places[0]], lines[places[1]] = lines[places[1]], lines[places[0]]


def _seed(lines: Lines) -> None:
    lines[0]["draws"][0]["population"]["seed"] = "17"


def _other_certification(lines: Lines) -> None:
    lines[0]["draws"][0]["certification_id"] = "other"


def _another_draw(lines: Lines) -> None:
    lines[0]["draws"] *= 2


_CORRECTED = {
    "state": "corrected",
    "probes": 100,
    "misses": 0,
    "miss_rate_bound": 0.04,
    "target_tested": 0.192,
}
FORGERIES: list[tuple[Callable[[Lines], None], str]] = [
    (lambda lines: lines.pop(), "the file ends before its last line"),
    (_header(more=1), "line 1 cannot be read: more"),
    (_row("population", score=2.0), "line 2 cannot be read: score"),
    (_drop("population"), "size of the population"),
    (_row("population", drawable=False), "digest of the population"),
    (_row("population", label="other"), "digest of the population"),
    (_drop("drawn"), "draw: number of items"),
    (_swap_drawn, "draw: item 1"),
    # Another seed may draw the same first item: one in about sixty does.
    (_seed, "draw: item "),
    (_row("drawn", score=0.99), "score of "),
    (_row("drawn", label="other"), "label of "),
    (_row("drawn", finding="wrong"), "finding of "),
    (_row("drawn", finding="not_blind"), "digest of plan and verdicts"),
    (_plan(alpha=0.5), "plan: alpha"),
    (_plan(attempt=2), "plan: attempt"),
    (_plan(delta_attempt=0.5), "plan: delta_attempt"),
    (_plan(start=0, predicted_power=1.0), "digest of plan and verdicts"),
    (_certificate(method="other"), "method: this release cannot recompute"),
    (_certificate(threshold=0.5), "test: threshold"),
    (_certificate(errors=1), "test: errors"),
    (_certificate(upper_bound=0.001), "test: upper_bound"),
    (_certificate(delta=0.5), "certificate: delta"),
    (_certificate(delta_spent=0.01), "certificate: delta_spent"),
    (_certificate(label_noise=_CORRECTED), "certificate: label_noise.miss_rate_bound"),
    (_certificate(population="pool"), "certificate: population"),
    (_certificate(window=None), "certificate: window"),
    (_other_certification, "certificate: certification"),
    (_another_draw, "number of draws"),
    (_header(expires_at="2020-01-01T00:00:00Z"), "certificate: routers refuse it (dates)"),
    (_header(tested=[]), "test: number of thresholds"),
    (lambda lines: lines[0]["classes"][0].update(certified=None), "line 1 cannot be read"),
    (lambda lines: lines[0]["classes"][1].update(errors=-1), "class "),
    (lambda lines: lines[0]["classes"].pop(), "class "),
]


async def test_a_forgery_is_named_although_its_checksum_fits(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        body = await _from_traffic(parts)
    for forge, said in FORGERIES:
        lines = [json.loads(line) for line in body.splitlines()]
        forge(lines)
        with pytest.raises(DifferenceError) as caught:
            verify(_body(lines, sealed=lines[-1]["kind"] == "end"))
        assert str(caught.value).startswith(said), str(caught.value)
