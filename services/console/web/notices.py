"""What a page says about the action that led to it."""

_NOTICES = {
    "created": "The project is created.",
    "saved": "The settings are saved.",
    "promoted": "The version answers from now on.",
    "approved": "The version is approved: it answers, or begins with its first share.",
    "rejected": "The version is rejected; the history has your note.",
    "rolled-back": "The version before answers again.",
    "retired": "The version is retired.",
    "shadowed": "The version scores in the shadow.",
    "canary": "The challenger has its share of the traffic.",
    "suspended": "Automatic answers are suspended: all items go to people.",
    "resumed": "Your suspension is lifted.",
    "certify": "A certification is asked for.",
    "planned": "The plan is made: start it below.",
    "plan-started": "Reviewers get the plan's items now.",
    "drift-accepted": "Items are compared with those from now on.",
    "trained": "A training run is asked for.",
    "encoder-kept": "The encoder is kept: recipe head learns on it from now on.",
    "encoder-removed": "The encoder is removed; versions that were trained on it keep serving.",
    "asked": "Items of the pool were handed to reviewers.",
    "autolabel": "The rest of the pool is being labelled.",
    "job-cancelled": "The job is cancelled; what it has done stays.",
    "gold-added": "The item is gold from now on.",
    "gold-removed": "The item is gold no more; answers to it still count.",
    "revoked": "The links are revoked, with the sessions that they opened.",
    "paused": "The reviewer is paused and gets no tasks.",
    "continued": "The reviewer gets tasks again.",
    "tagged": "The reviewer's tags are saved.",
    "reopened": "The task is open again.",
    "adjudicated": "The label is given.",
    "posted": "The items wait for reviewers.",
    "tested": "A test event was sent; the result stands below.",
    "webhook-added": "The webhook is added: send it a test.",
    "webhook-removed": "The webhook is removed.",
    "retried": "The event is sent again.",
    "enabled": "The webhook is enabled again.",
}


def notice_of(key: str | None) -> str | None:
    """Return the words of a notice; None for none, and for one that there is not."""
    return _NOTICES.get(key or "")
