"""The promotion gate."""

from services.trainer.gate.comparing import GateTerms
from services.trainer.gate.pairs import EvidenceKind, Pair, PairedEvidence
from services.trainer.gate.rule import (
    Coverages,
    GateDecision,
    judge_certified,
    judge_own,
    judge_uncertified,
)
from shared.contracts.gate_settings import GateSettings

BOTH, GAINED, LOST = (True, True), (True, False), (False, True)


def evidence(
    pairs: list[tuple[bool, bool]], kind: EvidenceKind = "certification", **metadata: str
) -> PairedEvidence:
    """Answers of (new version, champion), each given with a confidence of 0.9."""
    return PairedEvidence(kind, [Pair(new, old, 0.9, 0.9, metadata) for new, old in pairs])


def terms(target_accuracy: float = 0.95, **settings: object) -> GateTerms:
    """A project's terms: by default the margin is half of the promised error of 5 %."""
    return GateTerms(GateSettings.model_validate(settings), target_accuracy)


def _judge(pairs: list[tuple[bool, bool]], accuracy: float, champion: float) -> bool:
    return judge_uncertified(
        champion_certified=False,
        evidence=[evidence(pairs, "out_of_fold")],
        accuracy=accuracy,
        champion_accuracy=champion,
        terms=terms(),
    ).promote


def _certified(
    *given: PairedEvidence,
    made: GateTerms | None = None,
    tries_before: int = 0,
    coverage: float = 0.5,
) -> GateDecision:
    return judge_certified(
        champion_certified=True,
        coverages=Coverages(coverage, 0.5),
        terms=made or terms(),
        evidence=given,
        tries_before=tries_before,
    )


def test_certified_champion_never_gives_way_to_an_uncertified_version() -> None:
    decision = judge_uncertified(
        champion_certified=True,
        evidence=[evidence([GAINED] * 500, "gold")],
        accuracy=1.0,
        champion_accuracy=0.1,
        terms=terms(),
    )
    assert not decision.promote
    assert decision.reasons


def test_pairs_decide_once_there_are_enough() -> None:
    better = [GAINED] * 10 + [LOST] * 9 + [BOTH] * 31
    assert _judge(better, 0.5, 0.9)
    assert not _judge([*better[1:], LOST], 0.9, 0.5)


def test_equal_versions_do_not_change_places() -> None:
    assert not _judge([BOTH] * 50, 0.9, 0.8)
    assert not _judge([], 0.8, 0.8)


def test_few_pairs_leave_it_to_out_of_fold_accuracy() -> None:
    assert _judge([LOST] * 49, 0.81, 0.8)


def test_gold_goes_before_labels_that_may_have_been_chosen_by_a_model() -> None:
    def judge(gold: int) -> GateDecision:
        return judge_uncertified(
            champion_certified=False,
            evidence=[evidence([LOST] * gold, "gold"), evidence([GAINED] * 60, "out_of_fold")],
            accuracy=0.9,
            champion_accuracy=0.8,
            terms=terms(),
        )

    assert not judge(50).promote
    assert judge(50).tests[0].evidence == "gold"
    assert judge(49).promote


def test_certified_version_replaces_an_uncertified_champion_whatever_it_covers() -> None:
    assert judge_certified(
        champion_certified=False, coverages=Coverages(0.01, None), terms=terms()
    ).promote


def test_coverage_may_fall_by_five_points_and_no_more() -> None:
    assert _certified(coverage=0.45).promote
    assert not _certified(coverage=0.44).promote
    assert _certified(coverage=0.41, made=terms(coverage_margin=0.1)).promote


def test_losses_of_coverage_do_not_add_up_from_version_to_version() -> None:
    def judge(coverage: float, lost_before: float) -> tuple[bool, float]:
        decision = judge_certified(
            champion_certified=True,
            coverages=Coverages(coverage, 0.5, lost_before),
            terms=terms(),
        )
        return decision.promote, decision.coverage_lost

    assert judge(0.46, 0.0) == (True, 0.04)
    assert judge(0.48, 0.04) == (False, 0.06)
    assert judge(0.53, 0.04) == (True, 0.01)
    assert judge(0.6, 0.04) == (True, 0.0)


def test_unmeasured_champion_is_not_replaced_by_itself() -> None:
    assert not judge_certified(
        champion_certified=True, coverages=Coverages(0.9, None), terms=terms()
    ).promote


def test_labels_that_may_have_trained_a_version_do_not_promote_it() -> None:
    decision = judge_own(500, 500)
    assert not decision.promote
    assert "right on 500 of 500" in decision.reasons[0]


def test_certified_version_must_be_shown_not_to_be_less_accurate() -> None:
    assert _certified(evidence([BOTH] * 500)).promote
    slightly_worse = _certified(evidence([BOTH] * 480 + [LOST] * 20))
    assert not slightly_worse.promote
    (accuracy,) = [test for test in slightly_worse.tests if test.name == "accuracy"]
    assert accuracy.outcome == "failed"
    assert accuracy.figures["lost"] == 20
    assert accuracy.figures["margin"] == 0.025
    assert accuracy.reason in slightly_worse.reasons
    assert (slightly_worse.try_number, slightly_worse.alpha) == (1, accuracy.figures["alpha"])


def test_each_further_try_takes_more_evidence() -> None:
    almost = evidence([BOTH] * 497 + [LOST] * 3)
    assert _certified(almost).promote
    twentieth = _certified(almost, tries_before=19)
    assert not twentieth.promote
    assert twentieth.try_number == 20
    assert twentieth.alpha is not None
    assert twentieth.alpha < 0.0001


def test_too_few_labels_are_listed_and_hold_nothing_back() -> None:
    decision = _certified(evidence([LOST] * 10 + [BOTH] * 20))
    assert decision.promote
    assert [test.outcome for test in decision.tests] == ["passed", "insufficient", "insufficient"]
    assert "too few" in decision.reasons[1]
    assert decision.try_number is None


def test_a_later_try_does_not_pass_for_lack_of_labels() -> None:
    # 150 labels suffice for the first try and, without a discordant one, not for the tenth.
    enough = evidence([BOTH] * 150)
    assert _certified(enough).promote
    assert not _certified(enough, tries_before=9).promote


def test_worse_confidences_hold_a_version_back() -> None:
    sure = [Pair(True, True, 0.99, 0.95) for _ in range(470)]
    wrong = [Pair(False, False, 0.99, 0.5) for _ in range(30)]
    decision = _certified(PairedEvidence("certification", [*sure, *wrong]))
    assert [test.name for test in decision.tests if test.outcome == "failed"] == ["brier"]
    again = _certified(PairedEvidence("certification", [*sure, *wrong]))
    assert again == decision


def test_a_declared_slice_that_is_shown_to_be_worse_holds_a_version_back() -> None:
    rows = [
        *evidence([BOTH] * 400 + [GAINED] * 40, channel="web").pairs,
        *evidence([BOTH] * 40 + [LOST] * 20, channel="phone").pairs,
        *evidence([BOTH] * 5, channel="letter").pairs,
    ]
    given = PairedEvidence("certification", rows)
    assert _certified(given).promote
    decision = _certified(given, made=terms(slices=["channel"]))
    assert not decision.promote
    outcomes = {
        test.figures["value"]: test.outcome for test in decision.tests if test.name == "slice"
    }
    assert outcomes == {"phone": "failed", "web": "passed", "letter": "insufficient"}


def test_of_slices_with_too_few_items_some_are_listed() -> None:
    pairs = [Pair(True, True, 0.9, 0.9, {"customer": f"c{n}"}) for n in range(1_000)]
    decision = _certified(PairedEvidence("certification", pairs), made=terms(slices=["customer"]))
    assert decision.promote
    assert len([one for one in decision.tests if one.name == "slice"]) == 200


def test_the_margin_is_half_of_the_promised_error_unless_it_is_stated() -> None:
    assert terms(0.9).margin == 0.05
    assert terms(0.99, margin=0.02).margin == 0.02
