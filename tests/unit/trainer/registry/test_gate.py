"""The promotion gate."""

from services.trainer.registry.gate import judge_certified, judge_own, judge_uncertified


def _judge(pairs: list[tuple[bool, bool]], accuracy: float, champion: float) -> bool:
    return judge_uncertified(
        champion_certified=False, pairs=pairs, accuracy=accuracy, champion_accuracy=champion
    ).promote


def test_certified_champion_never_gives_way_to_an_uncertified_version() -> None:
    decision = judge_uncertified(
        champion_certified=True, pairs=[(True, False)] * 500, accuracy=1.0, champion_accuracy=0.1
    )
    assert not decision.promote
    assert decision.reasons


def test_pairs_decide_once_there_are_enough() -> None:
    better = [(True, False)] * 10 + [(False, True)] * 9 + [(True, True)] * 31
    assert _judge(better, 0.5, 0.9)
    assert not _judge([*better[1:], (False, True)], 0.9, 0.5)


def test_equal_versions_do_not_change_places() -> None:
    assert not _judge([(True, True)] * 50, 0.9, 0.8)
    assert not _judge([], 0.8, 0.8)


def test_few_pairs_leave_it_to_out_of_fold_accuracy() -> None:
    assert _judge([(False, True)] * 49, 0.81, 0.8)


def test_certified_version_replaces_an_uncertified_champion_whatever_it_covers() -> None:
    assert judge_certified(champion_certified=False, coverage=0.01, champion_coverage=None).promote


def test_coverage_may_fall_by_five_points_and_no_more() -> None:
    def judge(coverage: float) -> bool:
        return judge_certified(
            champion_certified=True, coverage=coverage, champion_coverage=0.5
        ).promote

    assert judge(0.45)
    assert not judge(0.44)


def test_losses_of_coverage_do_not_add_up_from_version_to_version() -> None:
    def judge(coverage: float, lost_before: float) -> tuple[bool, float]:
        decision = judge_certified(
            champion_certified=True,
            coverage=coverage,
            champion_coverage=0.5,
            lost_before=lost_before,
        )
        return decision.promote, decision.coverage_lost

    assert judge(0.46, 0.0) == (True, 0.04)
    assert judge(0.48, 0.04) == (False, 0.06)
    assert judge(0.53, 0.04) == (True, 0.01)
    assert judge(0.6, 0.04) == (True, 0.0)


def test_unmeasured_champion_is_not_replaced_by_itself() -> None:
    assert not judge_certified(
        champion_certified=True, coverage=0.9, champion_coverage=None
    ).promote


def test_labels_that_may_have_trained_a_version_do_not_promote_it() -> None:
    decision = judge_own(500, 500)
    assert not decision.promote
    assert "right on 500 of 500" in decision.reasons[0]
