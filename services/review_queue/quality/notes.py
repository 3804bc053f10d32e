"""Why figures about people are empty, and what would fill them (pure)."""

from shared.contracts.labelling import FIRST_LABELS
from shared.contracts.projects import Project


def unmeasured(project: Project, gold_tasks: int) -> str:
    """Say why nothing is known of reviewers where no task has two answers and none is gold.

    Parameters
    ----------
    gold_tasks : at least 0
        Of the project, with labels that it still has.
    """
    review = project.review
    overlap = (
        "set review.overlap to 2"
        if review.overlap < 2
        else f"wait until a second reviewer has answered (review.overlap is {review.overlap})"
    )
    if gold_tasks == 0:
        gold = f"add gold with POST …/gold (review.gold_rate is {review.gold_rate:g})"
    elif review.gold_rate == 0:
        gold = f"set review.gold_rate above 0 ({gold_tasks} gold tasks are there)"
    else:
        gold = f"wait for answers to the {gold_tasks} gold tasks"
    return f"{overlap}, or {gold}"


def agreement_note(project: Project, gold_tasks: int, verdicts: int) -> str:
    """Say why agreement is empty; `verdicts` is how many answers there are in all."""
    return (
        f"No task has answers of two reviewers; there are {verdicts} answers. To compare reviewers,"
        f" {unmeasured(project, gold_tasks)}. GET …/suspects compares them with a model."
    )


def reviewers_note(project: Project, gold_tasks: int) -> str:
    """Say why no reviewer's accuracy is known."""
    return (
        "It is not known how often these reviewers are right: they have no task in common with"
        f" others, and have answered no gold. To measure it, {unmeasured(project, gold_tasks)}."
        " GET …/suspects names reviewers who disagree with a model more than others do."
    )


def suspects_note(project: Project, outcomes: int) -> str:
    """Say why no label could be compared with a model's; `outcomes` are labels outside evidence."""
    return (
        f"No resolved task has a model's probabilities; {outcomes} have a label. From"
        f" {FIRST_LABELS} labels on the trainer cross-validates them, and again with each version"
        f" (training.min_new_labels is {project.training.min_new_labels}). Tasks that come from a"
        " router have probabilities too."
    )


LONE_REVIEWER = (
    "Only one reviewer has answered tasks that a model scored: comparing needs another one."
    " Gold would show how often the reviewer is right."
)
