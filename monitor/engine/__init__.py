"""Where stages run. What they do, and that nobody does it twice, is the stages' and the leases' business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Stage(Protocol):
    """One station of the data's path. It takes its work from the database and leaves its results there."""

    @property
    def name(self) -> str: ...

    def run_once(self) -> int:
        """Do what is due now; how many things were done, 0 when there was nothing to do."""
        ...


NEXT: Mapping[str, tuple[str, ...]] = {
    "collect": ("classify",),
    "classify": ("deliver",),
    "clock": ("deliver",),
    "notices": ("reply",),
    "reply": ("deliver",),
}
"""Which stages to wake when one has done something."""
