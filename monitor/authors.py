"""Authors named in the configuration, by the source on which they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ANYWHERE = "*"


class Named:
    """Lists of handles by source. Compared without "@" or "u/" in front, in whatever case."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._by_source = {source: frozenset(map(_handle, handles)) for source, handles in names.items()}

    def has(self, source: str, author: str | None) -> bool:
        if author is None or not self._by_source:
            return False
        handle = _handle(author)
        return any(handle in self._by_source.get(at, ()) for at in (source, ANYWHERE))


def _handle(name: str) -> str:
    return name.strip().casefold().removeprefix("/").removeprefix("u/").removeprefix("@")
