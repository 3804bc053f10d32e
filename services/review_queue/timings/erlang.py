"""How long a task waits for a reviewer: the M/M/c queue (pure).

Tasks come at random at a steady rate, c reviewers take them in turn, and each needs an exponential
time. Erlang (1917); the recursion is that of Cooper, "Introduction to Queueing Theory" (1981).
"""


def waiting_probability(servers: int, load: float) -> float:
    """Return Erlang's C: the chance that a task finds all reviewers at work.

    Parameters
    ----------
    servers : at least 1
    load : >= 0
        Arrivals a second times seconds of work each, in Erlang.

    Returns
    -------
    float in [0, 1]; 1 when there is more work than the reviewers can do.
    """
    if servers < 1 or load < 0:
        raise ValueError("there is at least one reviewer, and no negative load")
    if load >= servers:
        return 1.0
    blocking = 1.0
    for n in range(1, servers + 1):
        blocking = load * blocking / (n + load * blocking)
    return servers * blocking / (servers - load * (1 - blocking))


def mean_wait(servers: int, arrivals: float, services: float) -> float | None:
    """Return the mean seconds that a task waits for a reviewer; None when the wait never ends.

    Parameters
    ----------
    arrivals, services
        Tasks a second that come, and that one reviewer can do.
    """
    if services <= 0:
        return None
    load = arrivals / services
    if load >= servers:
        return None
    return waiting_probability(servers, load) / (servers * services - arrivals)


def optional_delay(backlog_seconds: float, mandatory_load: float) -> float | None:
    """Return the seconds until the tasks before the optional ones are done; None for never.

    Parameters
    ----------
    backlog_seconds
        What those that wait now take the reviewers.
    mandatory_load : >= 0
        Share of the reviewers' time that mandatory tasks need that come meanwhile.

    Examples
    --------
    >>> optional_delay(600, 0.75), optional_delay(0, 1.2)
    (2400.0, None)
    """
    if mandatory_load >= 1:
        return None
    return backlog_seconds / (1 - mandatory_load)
