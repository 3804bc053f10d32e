"""The plan of a certification: everything that is fixed before one of its labels is seen (pure)."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class CertificationPlan:
    """What will be tested, in which order and at which level. Stored before labels are drawn.

    Grid entries run from the strictest threshold to the most generous one.

    Attributes
    ----------
    alpha : promised error, in (0, 1)
    delta : chance of ever certifying this version wrongly, all attempts together
    attempt : counted from 1
    delta_attempt : the part of delta that this attempt spends
    labels : verdicts to be tested, drawn uniformly among items at or above `region`
    region : lowest threshold of the candidate region, and the last of `thresholds`
    region_share : share of the unlabelled sample in the region
    thresholds : strictly falling float32 values
    shares : share of the region at or above each threshold, rising to 1
    predicted_errors : predicted error among those, padded by one error in the tune items there
    tune_items : effective number of tune items at or above each threshold
    start : index of the first threshold to be tested
    predicted_power : chance that the start passes, as predicted
    expected_coverage : predicted share of traffic answered; counts "not certified" as 0
    """

    alpha: float
    delta: float
    attempt: int
    delta_attempt: float
    labels: int
    region: float
    region_share: float
    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    predicted_errors: tuple[float, ...]
    tune_items: tuple[float, ...]
    start: int
    predicted_power: float
    expected_coverage: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy; float32 thresholds survive JSON unchanged."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "CertificationPlan":
        """Read back what `to_dict` wrote; missing or extra keys are a TypeError."""
        names = {field.name for field in fields(cls)}
        if names != stored.keys():
            raise TypeError(f"not a certification plan: {sorted(names ^ stored.keys())}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
        }
        return cls(**values)
