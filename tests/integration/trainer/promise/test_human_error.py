"""What certificates say of reviewers' errors, and how they allow for them."""

import pytest

from services.trainer.promise.binomial import upper_bound
from services.trainer.promise.planning import draw_share
from shared.contracts.certificates import attempt_delta, certificate_fault
from shared.settings import CommonSettings
from tests.harness.trainer_and_queue import truth
from tests.harness.trainer_parts import open_trainer_parts
from tests.integration.trainer.promise.test_certification import prepare, wrong

# Share of a test that its first draw of three may spend.
_FIRST = draw_share(1, 3)


async def test_a_certificate_says_that_it_is_not_corrected(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.human_error = {"probes": 29, "misses": 3}
        await prepare(parts)
        parts.queue.answer(truth)
        await parts.step()
        certificate = (await parts.promise()).versions["v1"].certificate
        assert certificate is not None
        noise, ceiling = certificate.label_noise, certificate.label_ceiling
        assert noise is not None
        assert (noise.state, noise.probes, noise.misses) == ("uncorrected", 29, 3)
        assert (noise.miss_rate_bound, noise.target_tested) == (None, 0.2)
        assert ceiling is not None
        assert ceiling.ceiling is None
        assert ceiling.note == "the label ceiling is unknown: overlap is 1"
        bound = upper_bound(
            certificate.errors, certificate.accepted or 0, _FIRST * certificate.delta
        )
        assert certificate.upper_bound == pytest.approx(bound)


async def test_known_misses_make_the_test_stricter(common: CommonSettings, sqlite_url: str) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        parts.queue.human_error = {"probes": 100, "misses": 5, "compared": 50, "disagreed": 5}
        await prepare(parts)
        parts.queue.answer(truth)
        await parts.step()
        entry = (await parts.promise()).versions["v1"]
        certificate = entry.certificate
        assert certificate is not None
        spent = attempt_delta(0.1, 1)
        eta = upper_bound(5, 100, 0.2 * spent)
        noise = certificate.label_noise
        assert noise is not None
        assert noise.state == "corrected"
        assert noise.miss_rate_bound == pytest.approx(eta)
        assert noise.target_tested == pytest.approx(0.2 * (1 - 1.25 * eta))
        # The bound on the true error is what labels show, divided by the share that they show.
        shown = upper_bound(certificate.errors, certificate.accepted or 0, _FIRST * 0.8 * spent)
        assert certificate.upper_bound == pytest.approx(shown / (1 - 1.25 * eta))
        assert certificate.delta == pytest.approx(spent)
        assert certificate_fault(certificate, entry.expires_at) is None
        assert certificate.label_ceiling is not None
        assert certificate.label_ceiling.ceiling == pytest.approx(0.9**0.5)
        # Counted before the draw: later misses do not change a test that is under way.
        assert (await parts.certificate()).plan["misses"] == 5


async def test_not_certified_names_the_label_ceiling(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url, review={"overlap": 2}) as parts:
        parts.queue.human_error = {"compared": 50, "disagreed": 5}
        await prepare(parts, pool=200)
        for _ in range(3):
            parts.queue.answer(wrong)
            await parts.step()
        view = await parts.certificate()
        assert view.state == "failed"
        assert "a model can agree with a reviewer on at most 94.9 %" in view.detail
        assert view.label_ceiling is not None
        assert view.label_ceiling.compared == 50


async def test_missing_every_probe_certifies_nothing(
    common: CommonSettings, sqlite_url: str
) -> None:
    async with open_trainer_parts(common, sqlite_url) as parts:
        # A first run would wait: the errors are found after it.
        await parts.label(range(1000, 1060), truth)
        await parts.import_reviews(range(100))
        await parts.publish_version()
        parts.queue.human_error = {"probes": 30, "misses": 30}
        await parts.step()
        view = await parts.certificate()
        assert view.state == "failed"
        assert "reviewers missed all 30 known-wrong answers" in view.detail
