"""Asking again for what was read: many services tell of an edit or a deletion only who asks for the item by its id.

What was read lately stands in the cursor under `known`, the one that was not looked at for longest at the end. After
what is new, each poll looks again at a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.errors import RetryLater
from monitor.sources.base import Cursor, Item, Page, Reject, gone

MOST = 1_000  # items that are remembered, the youngest


def rechecking(
    cursor: Cursor | None,
    now: datetime,
    span: timedelta,
    count: int,
    read: Callable[[Cursor | None], Page],
    ask: Callable[[dict[str, datetime]], tuple[Sequence[Item], Sequence[Reject]]],
) -> Page:
    """The next page. `read` gives what is new; when it has no more, `ask` gives the present state of `count` items
    posted within `span`, of which it gets the ids with the times of posting."""
    before = dict(cursor or {})
    known: dict[str, int] = before.get("known", {})
    if before.get("look_again"):
        asked = list(known)[-count:]
        items, rejects = ask({each: _moment(known[each]) for each in asked})
        left = {item.external_id for item in items if item.removed}
        queue = {each: known[each] for each in (*asked, *known) if each not in left}
        return Page(tuple(items), before | {"known": queue, "look_again": False}, rejects=tuple(rejects))
    page = read(cursor)
    known = {each.external_id: int(each.posted_at.timestamp()) for each in page.items if not each.removed} | known
    young = {each: posted for each, posted in known.items() if _moment(posted) > now - span}
    newest = set(sorted(young, key=young.__getitem__)[-MOST:])
    kept = {each: posted for each, posted in young.items() if each in newest}
    look_again = bool(kept) and not page.more
    return replace(page, cursor={**page.cursor, "known": kept, "look_again": look_again}, more=page.more or look_again)


def one_by_one(
    asked: dict[str, datetime], ask: Callable[[str], Item | None]
) -> tuple[Sequence[Item], Sequence[Reject]]:
    """For services that show one item at a time: `ask` gives it as it is, None where it is no longer shown. One that
    cannot be had does not keep the others, nor what is new, from being read; where the service asks to wait, we do."""
    items, rejects = [], []
    for external_id, posted in asked.items():
        try:
            found = ask(external_id)
        except RetryLater as error:
            if error.after is not None:
                raise
            rejects.append(Reject(f"it cannot be looked at again: {error}", external_id, external_id))
        else:
            items.append(found or Item(external_id, "", posted, removed=True))
    return items, rejects


def gently(
    asked: Iterable[str], look_up: Callable[[tuple[str, ...]], tuple[Item, ...]]
) -> tuple[Sequence[Item], Sequence[Reject]]:
    """For a LookingSource that shows many at once: where that fails, one by one, as above."""
    ids = tuple(asked)
    items: list[Item] = []
    rejects: list[Reject] = []
    try:
        return look_up(ids), ()
    except RetryLater as error:
        if error.after is not None:
            raise
    for each in ids:
        try:
            items += look_up((each,))
        except RetryLater as error:
            if error.after is not None:
                raise
            rejects.append(Reject(f"it cannot be looked at again: {error}", each, each))
    return items, rejects


def look_up(external_ids: Iterable[str], ask: Callable[[str], Item | None]) -> tuple[Item, ...]:
    """The same for a LookingSource: what cannot be had ends it all, since nothing may count as deleted by mistake."""
    return tuple(ask(each) or gone(each) for each in external_ids)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
