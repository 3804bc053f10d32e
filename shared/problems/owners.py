"""Which service has a path, for a client that asked the wrong one (pure)."""

ROUTER, REVIEW_QUEUE, TRAINER = "router", "review queue", "trainer"
PORTS = {ROUTER: 8000, REVIEW_QUEUE: 8001, TRAINER: 8002}
"""The port of each service, unless a setting says otherwise."""

OWNERS = {
    ROUTER: frozenset({"predict", "items", "model", "outcomes"}),
    REVIEW_QUEUE: frozenset(
        {
            *("tasks", "leases", "outcomes", "items", "queue", "import", "export", "gold"),
            *("reviewers", "agreement", "suspects", "feedback", "timings", "webhooks", "links"),
            *("archive", "unarchive", "capacity", "human-error", "second-opinions", "activity"),
            "withdrawals",
        }
    ),
    TRAINER: frozenset(
        {
            *("pool", "runs", "versions", "datasets", "decisions", "promise", "certificate"),
            *("certify", "suspend", "resume", "rollback", "canary", "audit", "what-if"),
            "reliability",
        }
    ),
}
"""Of each service, the words that follow ``/v1/projects/{project}/`` in its paths."""

_PREFIXES = ("router", "review_queue", "trainer")
_DEPTH = len(["", "v1", "projects", "PROJECT", "WORD"])


def hint_for(path: str, *, is_known: bool) -> str:
    """Say what to do about a path that this service does not have.

    Parameters
    ----------
    is_known
        Whether this service has the path without the slash at its end.
    """
    if is_known:
        return f"Leave out the slash at the end: `{path.rstrip('/')}`."
    parts = path.split("/")
    if parts[1] in _PREFIXES and parts[2:3] == ["v1"]:
        return (
            f"`/{parts[1]}` is a prefix of a gateway, and this is a single service: leave it out. "
            "The Python package takes the address of each: Surehand(router=…, review_queue=…, "
            "trainer=…)."
        )
    if parts[1:3] == ["v1", "v1"]:
        return "The path has `/v1` twice: leave it out of the service's address."
    owners: list[str] = []
    if len(parts) >= _DEPTH and parts[1:3] == ["v1", "projects"]:
        owners = [name for name, words in OWNERS.items() if parts[_DEPTH - 1] in words]
    elif parts[1:2] == ["v2"] or parts[1:2] == ["label-studio"]:
        owners = [ROUTER]
    elif parts[1:3] in (["v1", "leases"], ["v1", "projects"], ["v1", "links"]):
        owners = [REVIEW_QUEUE]
    advice = "`GET /docs` lists the paths of this service."
    if not owners:
        return f"This service has no such path. {advice}"
    named = " or ".join(f"the {name}, port {PORTS[name]}" for name in owners)
    return f"This service has no such path: it looks like one of {named} by default. {advice}"
