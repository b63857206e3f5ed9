"""Which cases a page of figures is about: read from the address, and refused with the mend where it cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from monitor.outcome_columns import Outcomes
from monitor.outcomes import Measure

DAYS = 30
MOST_DAYS = 400
_FIRST = date(2000, 1, 1)


class Impossible(Exception):
    """What was asked for cannot be shown; the text says why, and what to ask instead. `instead` is the nearest that can
    be shown, as changes of what was asked; None where that is unknown."""

    def __init__(self, why: str, instead: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.instead = instead


@dataclass(frozen=True, slots=True)
class Scope:
    """From the first to the last day, both included, on the wall clock of `zone`. None: all of them."""

    first: date
    last: date
    zone: ZoneInfo
    brand: str | None = None
    source: str | None = None
    language: str | None = None
    measure: Measure = "calendar"

    @property
    def since(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The midnight after the last day."""
        return midnight(self.last + timedelta(days=1), self.zone)

    @property
    def chosen(self) -> dict[str, str]:
        """The filters, by what they are of."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    @property
    def query(self) -> str:
        """What restores the scope, as the part of an address behind its question mark."""
        return self.address()

    def address(self, **changed: str) -> str:
        """As `query`, with something else."""
        whole = {"from": self.first.isoformat(), "to": self.last.isoformat()} | self.narrow
        return urlencode(whole | changed)

    @property
    def narrow(self) -> dict[str, str]:
        """The filters and the measure as the address has them."""
        return self.chosen | ({"minutes": self.measure} if self.measure != "calendar" else {})

    def narrowed(self, outcomes: Outcomes) -> Outcomes:
        """Those of them that the filters let through."""
        for name, value in self.chosen.items():
            outcomes = outcomes.having(name, value)
        return outcomes

    @property
    def filtered(self) -> bool:
        return bool(self.chosen)


FILTERS = ("brand", "source", "language")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def scope(asked: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Scope:
    """The scope that `asked` names: from, to, brand, source, language, minutes; by default the past 30 days.

    Raises Impossible."""
    first, last = period(asked, now, zone, DAYS)
    if (last - first).days >= MOST_DAYS:
        raise Impossible(
            f"From {first} to {last} are {(last - first).days + 1} days, and {MOST_DAYS} can be shown at once: "
            "choose a shorter period.",
            {"from": (last - timedelta(days=MOST_DAYS - 1)).isoformat()},
        )
    measure = asked.get("minutes") or "calendar"
    if measure not in ("calendar", "business"):
        raise Impossible(f'minutes is "{measure[:40]}": it can be calendar or business.', {"minutes": ""})
    filters = {name: asked.get(name) or None for name in FILTERS}
    return Scope(first, last, zone, **filters, measure="business" if measure == "business" else "calendar")


def period(asked: Mapping[str, str], now: datetime, zone: ZoneInfo, days: int) -> tuple[date, date]:
    """The first and the last day that `asked` names; by default so many days up to today. Raises Impossible."""
    today = now.astimezone(zone).date()
    last = _day("to", asked.get("to")) or today
    first = _day("from", asked.get("from")) or max(_FIRST, last - timedelta(days=days - 1))
    if first > today:
        why = f"The period begins on {first}, and today is {today}: nothing was heard yet."
        raise Impossible(why, {"from": "", "to": ""})
    if first > last:
        why = f"The period ends on {last} before it begins on {first}: exchange the two days."
        raise Impossible(why, {"from": last.isoformat(), "to": first.isoformat()})
    return first, last


def _day(name: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Impossible(f'{name} is "{text[:40]}", which is no day: write it as 2026-11-20.', {name: ""}) from None
    if not _FIRST <= day < date(9999, 1, 1):
        raise Impossible(f"{name} is {day}: choose a day from {_FIRST} on.", {name: ""})
    return day


def check_known(wanted: object, known: Mapping[str, Collection[str]]) -> None:
    """Raises Impossible where a filter names what neither the settings nor any case of the period has."""
    for name, values in known.items():
        value = getattr(wanted, name)
        if value is not None and value not in values:
            near = get_close_matches(value, list(values), n=1)
            mend = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(values)[:20]) or 'none'}."
            raise Impossible(f'There is no {name} "{value[:100]}"; {mend}', {name: near[0] if near else ""})
