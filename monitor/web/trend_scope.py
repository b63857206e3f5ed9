"""Which mentions a page of trends is about, and how finely: read from the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from monitor.charts.time_axis import TimeAxis, following
from monitor.classify.verdict import TOPICS
from monitor.clock import Clock
from monitor.rollups import brands, heard_since
from monitor.settings import Settings
from monitor.trend_spans import Grain, Span
from monitor.trends import Filter, totals
from monitor.web.languages import NAMES
from monitor.web.scope import Impossible, check_known, midnight, period
from monitor.web.words import language, shortened, spoken

DAYS = 28  # whole weeks, so that each weekday is compared with its like
MOST_POINTS = 1000
MOST_NARROW_HOURS = 28 * 24  # of one source, language or topic: there may be no sums of them
SENTIMENTS = ("negative", "neutral", "positive")
FILTERS = ("brand", "source", "language", "topic", "sentiment")
_HOUR = timedelta(hours=1)
_FINEST = ((2, Grain.HOUR), (120, Grain.DAY), (800, Grain.WEEK))


@dataclass(frozen=True)  # without slots: spans and axis are kept, since every chart asks for them
class TrendScope:
    """From the first to the last day, both included, on the wall clock of `zone`; weeks and months are whole ones. A
    filter that is None takes all, of the brands all of our own (`ours`)."""

    first: date
    last: date
    grain: Grain
    zone: ZoneInfo
    now: datetime
    ours: tuple[str, ...]
    brand: str | None = None
    source: str | None = None
    language: str | None = None
    topic: str | None = None
    sentiment: str | None = None
    complaint: bool | None = None
    everybody: bool = False  # without a brand: competitors too
    heard: datetime | None = None  # since when anything is known of the brands; None: nothing is

    @property
    def since(self) -> datetime:
        return midnight(self.first, self.zone)

    @cached_property
    def span(self) -> Span:
        """What is drawn: up to the hour that is running."""
        return Span(self.since, min(self._end, self._hour + _HOUR), self.grain, self.zone)

    @cached_property
    def compared(self) -> Span | None:
        """What is compared with the period before: whole hours. None where not even one has passed."""
        until = min(self._end, self._hour)
        return Span(self.since, until, self.grain, self.zone) if until > self.since else None

    @cached_property
    def before(self) -> Span | None:
        """The period before `compared`: as many days, weeks or months earlier, up to the same hour of the day. None
        where nothing, or not all of it, is known."""
        compared = self.compared
        if compared is None:
            return None
        since, until = (self._earlier(moment) for moment in (compared.since, compared.until))
        return Span(since, until, self.grain, self.zone) if until > since and self.knows(since, until) else None

    def knows(self, since: datetime, until: datetime) -> bool:
        """Whether brands were listened to by then: something was heard before a tenth of that time had passed."""
        return self.heard is not None and self.heard <= since + (until - since) / 10

    @cached_property
    def axis(self) -> TimeAxis:
        return TimeAxis.of(self.span, self.now)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def than(self) -> str:
        """The period before, in words."""
        if self.grain in (Grain.WEEK, Grain.MONTH):
            return _plural(len(self.span.starts), self.grain.value)
        return _plural(self.days, "day")

    @property
    def filter(self) -> Filter:
        given: dict[str, Any] = {name: (value,) for name in FILTERS if (value := getattr(self, name)) is not None}
        ours = () if self.everybody else self.ours
        return Filter(**({"brand": ours} | given), complaint=self.complaint)

    @property
    def filtered(self) -> bool:
        return self.complaint is not None or any(getattr(self, name) is not None for name in FILTERS)

    @property
    def chosen(self) -> dict[str, str]:
        """The filters as the address has them."""
        given = {name: value for name in FILTERS if (value := getattr(self, name)) is not None}
        given |= {} if self.complaint is None else {"complaint": "yes" if self.complaint else "no"}
        return given | ({"whose": "all"} if self.everybody else {})

    @property
    def query(self) -> str:
        """What restores the scope, as the part of an address behind its question mark."""
        return self.address()

    def address(self, **changed: str | None) -> str:
        """As `query`, with something else: None takes a filter away."""
        whole = {"from": self.first.isoformat(), "to": self.last.isoformat(), "grain": self.grain.value} | self.chosen
        return urlencode({name: value for name, value in (whole | changed).items() if value is not None})

    def behind(self, **more: str) -> str:
        """The page of the mentions, to be completed with `since` and `until`."""
        return f"/trends/mentions?{urlencode(self.chosen | more)}{'&' if self.chosen or more else ''}"

    @property
    def narrow(self) -> str:
        """Of whom and of what."""
        ours = [] if self.everybody else [*self.ours[:3], *(["…"] if len(self.ours) > 3 else [])]
        whose = self.brand or ", ".join(ours) or "all brands"
        told = [
            *([f"on {self.source}"] if self.source else []),
            *([f"in {language(self.language)}"] if self.language else []),
            *([f"about {spoken(self.topic)}"] if self.topic else []),
        ]
        kinds = [
            *([self.sentiment] if self.sentiment else []),
            *([] if self.complaint is None else ["only complaints" if self.complaint else "no complaints"]),
        ]
        return shortened(", ".join([" ".join([whose, *told]), *kinds]), 120)

    @property
    def words(self) -> str:
        """Of whom, when, and on which clock."""
        when = f"{self.first} to {self.last}" if self.first != self.last else f"{self.first}"
        return f"{self.narrow}, {when}, {self.zone.key}"

    @property
    def _end(self) -> datetime:
        return midnight(self.last + timedelta(days=1), self.zone)

    @property
    def _hour(self) -> datetime:
        return self.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def _earlier(self, moment: datetime) -> datetime:
        local = moment.astimezone(self.zone)
        if self.grain is not Grain.MONTH:
            days = 7 * len(self.span.starts) if self.grain is Grain.WEEK else self.days
            return (local.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=self.zone).astimezone(UTC)
        months = local.year * 12 + local.month - 1 - len(self.span.starts)
        first = local.replace(year=months // 12, month=months % 12 + 1, day=1)
        longest = (following(first.replace(hour=0), Grain.MONTH).date() - first.date()).days
        return first.replace(day=min(local.day, longest)).astimezone(UTC)


class Scopes:
    """Reads scopes from addresses, with what the filters can be."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock, self._zone = clock, settings.clock.zone
        self._ours = tuple(brand.name for brand in settings.brands if not brand.competitor)
        self._brands = [brand.name for brand in settings.brands]
        self._sources = {source.name for source in settings.sources}

    def scope(self, session: Session, asked: Mapping[str, str]) -> tuple[TrendScope, dict[str, list[tuple[str, str]]]]:
        """The scope and, for each filter, its choices: the value and how it is said. Raises Impossible."""
        wanted = trend_scope(asked, self._clock.now(), self._zone, self._ours)
        wanted = replace(wanted, heard=heard_since(session, wanted.filter.brand or brands(session)))
        heard = {by: totals(session, wanted.span, Filter(), by) for by in ("source", "language")}
        values = {
            "brand": list(dict.fromkeys([*self._brands, *brands(session)])),
            "source": sorted({*self._sources, *heard["source"]}),
            "language": sorted(heard["language"], key=language),
            "topic": list(TOPICS),
            "sentiment": list(SENTIMENTS),
        }
        known = values | {"language": [*values["language"], *NAMES]}
        check_known(wanted, known)
        if wanted.language and wanted.language not in values["language"]:
            values["language"].append(wanted.language)
        said = {"language": language, "topic": spoken}
        return wanted, {name: [(value, said.get(name, str)(value)) for value in each] for name, each in values.items()}


def trend_scope(asked: Mapping[str, str], now: datetime, zone: ZoneInfo, ours: tuple[str, ...]) -> TrendScope:
    """The scope that `asked` names: from, to, grain, complaint and FILTERS. Raises Impossible."""
    first, last = period(asked, now, zone, DAYS)
    today = now.astimezone(zone).date()
    last = min(last, max(today, first))
    days = (last - first).days + 1
    grain = next((grain for most, grain in _FINEST if days <= most), Grain.MONTH)
    if given := asked.get("grain"):
        if given not in set(Grain):
            raise Impossible(f'grain is "{given[:40]}": it can be {", ".join(Grain)}.', {"grain": grain.value})
        grain = Grain(given)
    complaint = asked.get("complaint") or None
    if complaint not in (None, "yes", "no"):
        raise Impossible(f'complaint is "{complaint[:40]}": it can be yes or no.', {"complaint": ""})
    first, last = _whole(first, last, grain, today)
    filters: dict[str, Any] = {name: asked.get(name) or None for name in FILTERS}
    wanted = TrendScope(
        first,
        last,
        grain,
        zone,
        now,
        ours,
        **filters,
        complaint=None if complaint is None else complaint == "yes",
        everybody=asked.get("whose") == "all",
    )
    narrow = grain is Grain.HOUR and any(filters[name] for name in ("source", "language", "topic"))
    most = MOST_NARROW_HOURS if narrow else MOST_POINTS
    if (points := _points(days, grain)) > most:
        fits = next(each for each in (Grain.DAY, Grain.WEEK, Grain.MONTH) if _points(days, each) <= MOST_POINTS)
        what = " of one source, language or topic" if narrow else ""
        why = f"From {first} to {last} are {points:,} {grain}s, and {most:,} can be drawn{what}."
        raise Impossible(why, {"grain": fits.value})
    return wanted


def _points(days: int, grain: Grain) -> int:
    return {Grain.HOUR: 24 * days, Grain.DAY: days, Grain.WEEK: days // 7, Grain.MONTH: days // 28}[grain]


def _whole(first: date, last: date, grain: Grain, today: date) -> tuple[date, date]:
    """The period widened to whole weeks or months, as far as they have come."""
    if grain is Grain.WEEK:
        first, last = first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
    elif grain is Grain.MONTH:
        first = first.replace(day=1)
        last = (last.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return first, min(last, max(today, first))


def _plural(count: int, what: str) -> str:
    return f"the {count} {what}s before" if count != 1 else f"the {what} before"
