"""What an operator can do about too much review, in the order in which it costs least (pure).

Nothing here is done by itself.
"""

from collections.abc import Iterator

from services.review_queue.timings.load import Load
from services.review_queue.timings.messages import OverloadAct
from shared.contracts.projects import Project

_LONGER = 2.0


def acts_of(
    project: Project, load: Load, *, optional_per_day: float, other_elective_per_day: float
) -> list[OverloadAct]:
    """Return the acts that help, the one that gives up least first.

    Parameters
    ----------
    load : of a project whose reviewers may not keep up
    optional_per_day, other_elective_per_day
        Arrivals of lane `optional`, and of `pool` and `relabel`.
    """
    edit = f"PATCH /v1/projects/{project.project}"
    return [
        *_elective(project, edit, optional_per_day, other_elective_per_day),
        OverloadAct(act="page_reviewers", words=_hours_wanted(load), route=None, body=None),
        OverloadAct(
            act="extend_deadlines",
            words=(
                "Give tasks more time until they are due, and tell callers before: it spreads a "
                "peak, but does not help where more comes every day than is answered."
            ),
            route=edit,
            body={"review": {"due_seconds": project.review.due_seconds * _LONGER}},
        ),
        OverloadAct(
            act="weaken_promise",
            words=(
                "Promise less, so that fewer items go to reviewers: GET …/what-if of the trainer "
                "says what each target would mean. The edit ends the certificate, and the weaker "
                "promise holds only once it has a certificate of its own. Nothing but an "
                "operator's edit of target_accuracy or confidence does this."
            ),
            route=edit,
            body=None,
        ),
    ]


def _elective(
    project: Project, edit: str, optional_per_day: float, others_per_day: float
) -> Iterator[OverloadAct]:
    if optional_per_day > 0:
        yield OverloadAct(
            act="drop_optional",
            words=(
                f"Ask for no optional reviews ({optional_per_day:.0f} a day): without price_error "
                "certified items are answered at once. The promise does not depend on them."
            ),
            route=edit,
            body={"capacity": {"price_error": None}},
        )
    if others_per_day > 0:
        yield OverloadAct(
            act="lower_active_learning",
            words=(
                f"Send fewer batches of the pool and relabels ({others_per_day:.0f} tasks a day): "
                "a tenth of the leases goes to them even while mandatory tasks wait."
            ),
            route=f"POST /v1/projects/{project.project}/pool/batches",
            body=None,
        )


def _hours_wanted(load: Load) -> str:
    if load.is_overloaded:
        return (
            f"Ask reviewers for {load.missing_hours_per_day:.1f} more hours a day: the tasks that "
            f"must be answered take {load.hours_per_day:.1f}."
        )
    return (
        f"Have reviewers stand by: on busy days the tasks take up to {load.upper:.0%} of the "
        "hours that there are."
    )
