"""What is known of reviewers' errors, and what a certificate says of them."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Message, Probability

Count = Annotated[int, Field(ge=0)]


class HumanError(Message):
    """Counts of reviewers' errors: the answer of ``GET …/human-error``.

    `probes` are gold items that the model had got wrong, each with the newest answer that a
    reviewer gave without a suggestion; `misses` of these answers are not the known label.
    `compared` are items that two reviewers or more answered without a suggestion; on `disagreed`
    of them the first two gave different labels.
    """

    probes: Count = 0
    misses: Count = 0
    compared: Count = 0
    disagreed: Count = 0


class SecondOpinions(Message):
    """Of how many drawn items another reviewer was `asked`; `overturned` count as right by that."""

    asked: Count
    overturned: Count


class LabelNoise(Message):
    """How a test allowed for wrong answers that reviewers let pass.

    `corrected`: the share that they let pass is at most `miss_rate_bound`, so the labels were
    tested against an error of `target_tested` in place of the promised one. `uncorrected`: there
    were too few probes, and the certificate is about agreement with reviewers.
    """

    state: Literal["corrected", "uncorrected"]
    probes: Count
    misses: Count
    miss_rate_bound: Probability | None
    target_tested: Probability
    second_opinions: SecondOpinions | None = None


class LabelCeiling(Message):
    """The share of items on which any model can agree with a reviewer, at most.

    `ceiling` and its 95 % `interval` are null where no two reviewers were compared; `note` says so.
    """

    compared: Count
    disagreed: Count
    ceiling: Probability | None
    interval: Annotated[list[Probability], Field(min_length=2, max_length=2)] | None
    note: str
