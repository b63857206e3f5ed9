"""Which cases and which plan the page of the staffing is about: read from the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from monitor.forecast import DAYS
from monitor.staffing import Need
from monitor.web.scope import Impossible
from monitor.web.words import language, shortened

WEEKS = 8
FILTERS = ("brand", "source", "language")
LIMITS = {"weeks": (2, 52), "handling": (1, 480), "within": (0, 1440), "share": (1, 99), "group": (1, 100)}
UNITS = {"weeks": "weeks", "handling": "minutes", "within": "minutes", "share": "per cent", "group": "people"}


@dataclass(frozen=True, slots=True)
class StaffingScope:
    """The past `weeks` up to yesterday, and the seven days from today on, on the wall clock of `zone`. A filter that is
    None takes all, of the brands all of our own (`ours`)."""

    now: datetime
    zone: ZoneInfo
    ours: tuple[str, ...]
    weeks: int = WEEKS
    brand: str | None = None
    source: str | None = None
    language: str | None = None
    need: Need = field(default_factory=Need)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def first(self) -> date:
        return self.today - timedelta(days=DAYS * self.weeks)

    @property
    def last(self) -> date:
        """Of the days to come."""
        return self.today + timedelta(days=DAYS - 1)

    @property
    def brands(self) -> tuple[str, ...]:
        return (self.brand,) if self.brand else self.ours

    @property
    def handling(self) -> int:
        return round(self.need.handling / timedelta(minutes=1))

    @property
    def within(self) -> int:
        return round(self.need.within / timedelta(minutes=1))

    @property
    def share(self) -> int:
        return round(100 * self.need.share)

    @property
    def group(self) -> int:
        return self.need.group

    @property
    def filtered(self) -> bool:
        return any(getattr(self, name) is not None for name in FILTERS)

    @property
    def query(self) -> str:
        """What restores the scope, as the part of an address behind its question mark."""
        chosen = {name: value for name in FILTERS if (value := getattr(self, name)) is not None}
        return urlencode({name: str(getattr(self, name)) for name in LIMITS} | chosen)

    @property
    def narrow(self) -> str:
        """Of whom."""
        ours = [*self.ours[:3], *(["…"] if len(self.ours) > 3 else [])]
        told = [f"on {self.source}"] if self.source else []
        told += [f"in {language(self.language)}"] if self.language else []
        return shortened(" ".join([self.brand or ", ".join(ours) or "all brands", *told]), 120)


def staffing_scope(asked: Mapping[str, str], now: datetime, zone: ZoneInfo, ours: tuple[str, ...]) -> StaffingScope:
    """The scope that `asked` names: LIMITS and FILTERS. Raises Impossible."""
    usual = StaffingScope(now, zone, ours)
    given = {name: _number(name, asked.get(name), getattr(usual, name)) for name in LIMITS}
    minutes = {name: timedelta(minutes=given[name]) for name in ("handling", "within")}
    need = Need(**minutes, share=given["share"] / 100, group=given["group"])
    filters = {name: asked.get(name) or None for name in FILTERS}
    return StaffingScope(now, zone, ours, given["weeks"], **filters, need=need)


def _number(name: str, text: str | None, usual: int) -> int:
    if not text:
        return usual
    least, most = LIMITS[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Impossible(f'{name} is "{text[:40]}": it is a number of {UNITS[name]}, {least} to {most}.', {name: ""})
    if not least <= int(text) <= most:
        near = min(max(int(text), least), most)
        raise Impossible(f"{name} is {int(text):,}: it can be {least} to {most} {UNITS[name]}.", {name: str(near)})
    return int(text)
