"""Places between two steps of a stage where a test may kill the process. In service every step is a no-op."""

from __future__ import annotations

from collections.abc import Callable

hook: Callable[[str], None] | None = None


def step(name: str) -> None:
    """A stage is about to go on; `name` says what it has just done, such as `"collect.fetched"`."""
    if hook is not None:
        hook(name)
