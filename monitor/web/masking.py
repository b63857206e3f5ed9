"""Personal data taken out of what is shown: names, handles and links of customers, and what in their words says who or
where they are. Colleagues keep their names.

It goes by the names of fields, wherever they are found in what a page or the interface is about to show, so that a new
page need not think of it: frozen records with an `author`, a `text` or a `detail` are known by these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from fastapi import Request

from monitor.personal import called, hidden
from monitor.web.gate import visitor

Value = TypeVar("Value")

REMOVED: Mapping[str, Any] = {
    "author": None,
    "author_name": None,
    "author_url": None,
    "url": None,
    "media": None,
    "external_id": "",
}
WORDS = frozenset({"text", "answered", "detail", "quote", "quotes", "example", "examples", "sample", "samples"})
NAMED = ("author", "author_name")
OF_CUSTOMERS = frozenset({"rated"})  # events whose actor is no colleague


def shown(request: Request, value: Value) -> Value:
    """`value` as this visitor may see it."""
    return value if visitor(request).personal else masked(value)


def masked(value: Value) -> Value:
    """`value` without personal data; itself where there is none in it."""
    found: Value = _masked(value, ())
    return found


def masked_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """As `masked`, of a row of an export. `author_name` is only there to be found in the words, and taken out."""
    names = sorted(_names(row), key=len, reverse=True)
    about = {name: REMOVED[name] for name in REMOVED if name in row} if "author" in row else {}
    seen = dict(row) | {name: hidden(row[name], names) for name in WORDS if row.get(name)} | about
    seen.pop("author_name", None)
    return seen


def _masked(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        each = [_masked(one, names) for one in value]
        same = all(a is b for a, b in zip(each, value, strict=True))
        return value if same else type(value)(each)
    if isinstance(value, dict):
        found = {key: _masked(one, names) for key, one in value.items()}
        return value if all(found[key] is one for key, one in value.items()) else found
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value, names)
    return value


def _record(record: Any, names: tuple[str, ...]) -> Any:
    own = {field.name: getattr(record, field.name) for field in fields(record) if field.init}
    names = (*names, *sorted(_names(own), key=len, reverse=True))
    changed: dict[str, Any] = {}
    personal = "author" in own
    for name, value in own.items():
        if name in REMOVED and (personal or name.startswith("author")):
            new = REMOVED[name]
        elif name in WORDS:
            new = _words(value, names)
        elif name == "actor" and own.get("kind") in OF_CUSTOMERS:
            new = "the customer"
        else:
            new = _masked(value, names)
        if new is not value:
            changed[name] = new
    return replace(record, **changed) if changed else record


def _words(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return hidden(value, names)
    if isinstance(value, (list, tuple)):
        return type(value)(_words(one, names) for one in value)
    if isinstance(value, dict):
        # whom a case was handed to is a colleague
        return {key: one if key in ("to", "owner", "slack_user") else _words(one, names) for key, one in value.items()}
    return _masked(value, names)


def _names(own: Mapping[str, Any]) -> set[str]:
    """What the author of a record, or of those in it, may be called in its words."""
    found: set[str] = set()
    if "author" in own:
        for name in (own.get(key) for key in NAMED):
            if isinstance(name, str):
                found |= called(name)
    for value in own.values():
        if is_dataclass(value) and not isinstance(value, type) and hasattr(value, "author"):
            found |= _names({key: getattr(value, key, None) for key in NAMED})
    return found
