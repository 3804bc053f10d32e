"""The settings that the form has, in its order (pure)."""

from services.console.pages.configuration.setting import Setting

SECTIONS = {
    "The question": (
        Setting("title", "line", "Title", "reviewers see it"),
        Setting("labels", "lines", "Labels", "one a line; another set ends the certificate"),
        Setting("label_display", "displays", "How reviewers see the labels"),
        Setting("instructions", "text", "Instructions", "Markdown; reviewers read them first"),
    ),
    "The promise": (
        Setting("promise.target_accuracy", "percent", "Target accuracy", "percent"),
        Setting("promise.confidence", "percent", "Confidence", "percent"),
        Setting("promise.certification_labels", "whole", "Labels of a certification", "each draw"),
        Setting("promise.audit_rate", "percent", "Audited answers", "percent of answers"),
        Setting("promise.expires_days", "number", "Expires after", "days"),
        Setting(
            "promise.exploration_rate", "percent", "Drawn at random all the same",
            "percent of a batch that a strategy chooses",
        ),
    ),
    "Review": (
        Setting("review.overlap", "whole", "Answers that a task gets", "at least"),
        Setting("review.max_overlap", "whole", "Answers at most", "where reviewers disagree"),
        Setting("review.gold_rate", "percent", "Gold", "percent of tasks with a known label"),
        Setting("review.due_seconds", "number", "Due after", "seconds"),
        Setting("review.blind", "check", "Reviewers see no suggestion"),
        Setting(
            "review.match", "lines", "Tags that reviewers need",
            "keys of an item's metadata, such as language; one a line",
        ),
    ),
    "Training and capacity": (
        Setting(
            "training.recipe", "line", "Recipe",
            "how versions are trained; auto compares those that fit the fields",
        ),
        Setting("training.min_new_labels", "whole", "New labels that start a run"),
        Setting(
            "training.every_hours", "number", "Hours between scheduled runs",
            "a run needs one new label; empty: no schedule", may_be_empty=True,
        ),
        Setting("labelling.batch_size", "whole", "Items of a batch that the trainer asks for"),
        Setting(
            "labelling.most_labels", "whole", "Labels at most", "empty: no limit", may_be_empty=True
        ),
        Setting(
            "labelling.reserve_rate", "percent", "Set aside at import",
            "percent of items, to measure and certify: keep it once items were chosen",
        ),
        Setting("labelling.automatic", "check", "The trainer asks for batches by itself"),
        Setting(
            "capacity.reviewer_hours_per_day", "number", "Hours of reviewers a day",
            "empty: estimated", may_be_empty=True,
        ),
        Setting(
            "capacity.price_review", "number", "Price of a review", "empty: none", may_be_empty=True
        ),
        Setting(
            "capacity.price_error", "number", "Price of an error", "empty: none", may_be_empty=True
        ),
        Setting("retention_days", "number", "Decisions are kept", "days"),
    ),
    "Promotion": (
        Setting(
            "training.gate.slices", "lines", "Slices that must not become worse",
            "keys of an item's metadata; one a line",
        ),
        Setting(
            "training.gate.canary", "percents", "Shares of a canary",
            "percent of the traffic that a new version answers first; one a line, rising;"
            " empty: all at once",
        ),
        Setting(
            "training.gate.canary_audits", "whole", "Audits of a canary's share",
            "answers reviewed before the next share",
        ),
        Setting(
            "training.gate.margin", "percent", "Accuracy that a new version may lose",
            "percentage points; empty: half of the promised error", may_be_empty=True,
        ),
        Setting(
            "training.gate.coverage_margin", "percent", "Answered share that it may lose",
            "percentage points, by its certificate",
        ),
        Setting(
            "training.gate.gold_share", "percent", "Gold fold",
            "percent of items that never train, to compare versions on; at most 50, 0: none",
        ),
        Setting(
            "training.auto_promote", "check", "A version that passes takes over by itself",
            "else it waits for an operator's approval, on Versions",
        ),
        Setting(
            "training.gate.shadow", "part", "Compare it in shadow first",
            "on live traffic, where it answers nothing yet",
        ),
        Setting(
            "training.gate.shadow.labels", "whole", "Labels in shadow",
            "at most, where the two versions differ; empty: 200", may_be_empty=True,
        ),
        Setting(
            "training.gate.shadow.share", "percent", "Traffic in shadow",
            "percent of its contents; empty: all", may_be_empty=True,
        ),
        Setting(
            "training.gate.shadow.days", "number", "Time in shadow",
            "days at most; empty: 14", may_be_empty=True,
        ),
        Setting(
            "training.gate.rollback_on_alarm", "check",
            "After an alarm of audits the previous version answers, if it is certified",
        ),
    ),
}  # fmt: skip
SETTINGS = tuple(setting for settings in SECTIONS.values() for setting in settings)
