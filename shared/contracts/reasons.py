"""Why no automatic answers are given, in the words that trainer and routers share."""

WHY_NOT = {
    "no_version": "there is no version yet; start a run",
    "not_loaded": "the router could not load the champion; `failures` says why",
    "not_certified": "the champion has no certificate yet",
    "certificate_refused": "the figures of the champion's certificate contradict one another",
    "project_changed": (
        "labels, fields, instructions or the promise changed since the champion was certified"
    ),
    "clock": "the certificate was given by a clock that is ahead",
    "expired": "the certificate has expired",
    "audit_violated": "audited answers were wrong too often",
    "audit_changed": "audited answers became wrong too often",
    "audit_overdue": "reviews of audited answers are overdue",
    "audit_starved": "too few answers are audited",
    "drift": "the items that come now differ from those of the certificate",
    "operator": "an operator suspended automation",
    "unwatched": "the trainer has not read verdicts and decisions for too long",
}
