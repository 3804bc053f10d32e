"""What the labelling's route and a refused run say of the first labels."""

from typing import Literal

from shared.contracts.base import Message

Check = Literal["labels", "each_label", "agreement", "gold"]


class Missing(Message):
    """What the first labels lack before training, in words."""

    check: Check
    words: str
