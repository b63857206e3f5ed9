"""From what a service lists to items: what cannot be read becomes a reject, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from monitor.sources.base import Reject

UNREADABLE = (KeyError, TypeError, ValueError, OverflowError, AttributeError)  # what a value of another shape raises
Read = TypeVar("Read")


def read_each(found: Iterable[Any], read: Callable[[Any], Read]) -> tuple[list[Read], list[Reject]]:
    """What `read` makes of each, and a reject with the reason for each of which it can make nothing."""
    items, rejects = [], []
    for each in found:
        try:
            items.append(read(each))
        except UNREADABLE as error:
            external_id = each.get("id") if isinstance(each, dict) else None
            known = external_id if isinstance(external_id, str) else None
            rejects.append(Reject(f"{type(error).__name__}: {error}", str(each)[:2_000], known))
    return items, rejects
