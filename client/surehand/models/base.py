"""The base of what services answer."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """An answer of a service. Members that this release does not know are attributes too.

    Names such as `state` or `reason` are plain strings, as a later release may have more of them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class RejectedLine(Model):
    """A line of an import that was not taken, and why."""

    line: int
    detail: str
