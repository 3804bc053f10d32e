"""Bodies of the routes of slices."""

from shared.contracts.base import Message


class PredicateView(Message):
    """One condition: a metadata key, ``suggested label`` or ``topic of FIELD``, and its value."""

    key: str
    value: str


class SliceExample(Message):
    """An item of a slice on which the version was wrong."""

    item_id: str
    excerpt: str
    suggestion: str | None
    label: str


class SliceView(Message):
    """A kind of items on which the version is wrong more often than elsewhere.

    The rates and the interval (95 %) are those of the half that confirmed it, `share` is the
    slice's part of the traffic.
    """

    predicates: list[PredicateView]
    words: str
    items: int
    share: float
    error_rate: float
    interval: tuple[float, float]
    rest_error_rate: float
    p_value: float
    examples: list[SliceExample] = []


class GroupView(Message):
    """The error rate of one value of a metadata key, against all other items."""

    key: str
    value: str
    items: int
    error_rate: float
    interval: tuple[float, float]
    rest_error_rate: float
    p_value: float
    is_worse: bool


class SlicesView(Message):
    """The answer of ``GET …/slices``.

    `items` were labelled blind, and count as `effective_items`, since sure answers are labelled
    with a smaller chance than unsure ones. `error_rate` is that of the version on the traffic, all
    answered by itself. `tested` slices were tested on the second half.
    """

    version: str | None
    items: int = 0
    effective_items: float = 0.0
    error_rate: float | None = None
    tested: int = 0
    sentence: str
    slices: list[SliceView] = []
    groups: list[GroupView] = []


class SliceChange(Message):
    """Error rates of two versions on the same items, each with its 95 % interval.

    `is_slice`: the earlier version failed more often there; otherwise all items, or a group.
    """

    words: str
    is_slice: bool
    items: int
    before: float
    before_interval: tuple[float, float]
    after: float
    after_interval: tuple[float, float]


class SliceChanges(Message):
    """The answer of ``GET …/versions/{version}/slices``: what became better, and what worse."""

    version: str
    parent: str | None
    sentence: str
    changes: list[SliceChange] = []
