"""Parquet files that come from outside, and the pieces of those that are given out.

pyarrow is an extra: services that have a use for it import it where they need it.
"""

from importlib.util import find_spec

MEDIA_TYPE = "application/vnd.apache.parquet"
NOT_INSTALLED = (
    "Parquet needs pyarrow, which this service lacks: install surehand-services[parquet] where it"
    " runs, or send CSV or JSON lines"
)


def is_installed() -> bool:
    """Say whether this service can read and write Parquet."""
    return find_spec("pyarrow") is not None
