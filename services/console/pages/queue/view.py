"""What the page of the queue shows (pure)."""

LANES = {
    "mandatory": ("ordinary", "the model may not answer, or is not sure enough"),
    "audit": ("audit", "answered already; a blind review checks the promise"),
    "certification": ("certification", "blind labels that prove a version"),
    "optional": ("optional", "answered unless a reviewer is free in time"),
    "pool": ("training", "labels for the next version"),
    "gold": ("gold", "the label is known; shows how reviewers do"),
    "relabel": ("relabel", "asked again"),
    "shadow": ("shadow", "blind: a new version and the champion differ"),
}
STATES = ("open", "leased", "resolved", "erased")
# By name: in words, how many steps, and seconds of each.
SPANS = {
    "day": ("the last 24 hours", 24, 3_600),
    "week": ("the last 7 days", 28, 21_600),
    "month": ("the last 4 weeks", 28, 86_400),
}
