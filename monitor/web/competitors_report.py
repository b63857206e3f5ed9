"""What the page of the competitors shows: who is spoken of, who is complained of, how each sounds, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from monitor.annotations import noted
from monitor.charts import Chart, Column, Table
from monitor.charts.intervals import Range, intervals
from monitor.clock import Clock
from monitor.competition import Against, Interval, against, net_sentiment
from monitor.database import Database
from monitor.rollups import heard_since
from monitor.settings import Settings
from monitor.trend_counts import NOTHING, Counts, together
from monitor.trend_figures import CHANCE, rate_surprise, sentiment_surprise, share_surprise
from monitor.trend_findings import UNKNOWN, signed
from monitor.trends import series, totals
from monitor.web.scope import check_known
from monitor.web.share_charts import most, shares
from monitor.web.trend_charts import per, said
from monitor.web.trend_scope import Scopes, TrendScope
from monitor.web.words import share, shortened, spoken

DEFINITIONS = {
    "Share of voice": "The mentions of a brand as a share of those of all brands that are watched; a mention of two "
    "brands is one of each.",
    "Share of complaints": "The same of the complaints.",
    "Net sentiment": "Positive less negative mentions of a brand, as a share of all of them: from -100 to 100. The bar "
    "is where it lies 19 times of 20, given so many mentions (Agresti and Min 2005).",
    "Strengths and weaknesses": "Complaints about a topic for each 100 mentions of us, less those for each 100 "
    "mentions of them. The bar (Newcombe 1998, three standard deviations) is so wide that with a dozen topics it "
    "misses none 19 times of 20; a topic whose bar touches zero differs within chance.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A brand among the others, in this period and the one before; `compared` only up to the hour that both have."""

    name: str
    ours: bool
    all: Counts
    compared: Counts
    then: Counts
    sentiment: Interval | None


@dataclass(frozen=True, slots=True)
class Competition:
    """`us` and `them` are the names of the two sides; `rival` is None where they are all competitors. Without any
    competitor in the settings (`configured`) there is nothing to compare with."""

    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    rival: str | None
    us: str
    them: str
    configured: bool
    standings: tuple[Standing, ...]
    ours: Counts
    theirs: Counts
    topics: tuple[Against, ...]
    charts: dict[str, Chart]

    @property
    def query(self) -> str:
        return self.scope.address(rival=self.rival)


class Competitors:
    """Makes the comparison that an address asks for: a scope, and `rival`. Its `brand` is the one that is compared."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._scopes = db, Scopes(clock, settings)
        self._competitors = tuple(brand.name for brand in settings.brands if brand.competitor)

    def report(self, asked: Mapping[str, str]) -> Competition:
        """Raises Impossible."""
        with self._db.read() as session:
            scope, choices = self._scopes.scope(session, asked)
            names = [name for name, _ in choices["brand"]]
            mine = (scope.brand,) if scope.brand else scope.ours
            rivals = self._competitors if not {*mine} & {*self._competitors} else scope.ours
            choices["rival"] = [(name, name) for name in names if name not in mine]
            rival = asked.get("rival") or None
            check_known(_Rival(rival), {"rival": [name for name, _ in choices["rival"]]})
            theirs = (rival,) if rival else tuple(name for name in rivals if name not in mine)
            heard = [heard_since(session, side) for side in (mine, theirs)]
            known = max(moment for moment in heard if moment) if all(heard) else None
            wide = replace(scope, brand=None, everybody=True, heard=known)
            points = series(session, wide.span, wide.filter, "brand")
            marks = [each.mark for each in noted(session, scope.span.since, scope.span.until, scope.filter.brand)]
            standings = _standings(session, wide, points, mine)
            topics = _topics(session, wide, mine, theirs, standings)
        us = shortened(mine[0], 40) if len(mine) == 1 else "Our brands"
        them = shortened(theirs[0], 40) if len(theirs) == 1 else "its competitors" if len(mine) == 1 else "competitors"
        a, b = (sum((each.all for each in standings if each.name in side), NOTHING) for side in (mine, theirs))
        found = Competition(
            replace(scope, heard=known), choices, rival, us, them, bool(theirs), standings, a, b, topics, {}
        )
        if not theirs or not (a.mentions + b.mentions):
            return found
        first = dict(sorted(points.items(), key=lambda each: each[0] not in mine))  # ours at the foot, easy to compare
        several = most(wide, "brand", first)
        charts = [
            shares("voice", _voice(found), f"Mentions by brand, as shares of all, {per(scope.grain)}", wide, several,
                   lambda of: of.mentions, marks),
            shares("complaints", _complaints(found), f"Complaints by brand, as shares of all, {per(scope.grain)}", wide,
                   several, lambda of: of.complaints, marks),
            _sentiment(found, wide),
            *([_strengths(found, wide, mine)] if topics else []),
        ]  # fmt: skip
        return replace(found, charts={chart.name: chart for chart in charts})

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


@dataclass(frozen=True, slots=True)
class _Rival:
    rival: str | None


def _standings(
    session: Session, wide: TrendScope, points: Mapping[str, tuple[Counts, ...]], mine: tuple[str, ...]
) -> tuple[Standing, ...]:
    every = {name: together(counts) for name, counts in points.items()}
    compared: Mapping[str, Counts] = every if wide.compared else {}
    if wide.compared and wide.compared.until != wide.span.until:
        compared = totals(session, wide.compared, wide.filter, "brand")
    then = totals(session, wide.before, wide.filter, "brand") if wide.before else {}
    return tuple(
        Standing(
            name,
            name in mine,
            every.get(name, NOTHING),
            compared.get(name, NOTHING),
            then.get(name, NOTHING),
            net_sentiment(every.get(name, NOTHING)),
        )
        for name in [*every, *(gone for gone in then if gone not in every)]
    )


def _topics(
    session: Session,
    wide: TrendScope,
    mine: tuple[str, ...],
    theirs: tuple[str, ...],
    standings: tuple[Standing, ...],
) -> tuple[Against, ...]:
    if wide.topic or wide.complaint is not None or wide.sentiment or not theirs:
        return ()  # of what is narrowed to complaints, or to a topic, these are no shares of what is said
    sides = []
    for side in (mine, theirs):
        only = replace(wide.filter, brand=side, complaint=True)
        mentions = sum(each.all.mentions for each in standings if each.name in side)
        sides.append((mentions, totals(session, wide.span, only, "topic")))
    return against(*sides[0], *sides[1])


def _voice(of: Competition) -> str:
    now, then = (_side(of, when, "mentions") for when in ("compared", "then"))
    if not of.scope.before or not now[1] or not then[1]:
        now = _side(of, "all", "mentions")
        return f"{of.us} {_verb(of, 'have', 'has')} {share(now[0] / now[1])} of what is said of all brands; {UNKNOWN}"
    has = f"{of.us} {_verb(of, 'have', 'has')} {share(now[0] / now[1])} of what is said of all brands"
    if abs(share_surprise(*now, *then)) < CHANCE:
        return f"{has}: within chance as in {of.scope.than} ({share(then[0] / then[1])})"
    return f"{has}, after {share(then[0] / then[1])} in {of.scope.than}"


def _complaints(of: Competition) -> str:
    mentions, complaints = (_side(of, "all", name) for name in ("mentions", "complaints"))
    if not complaints[1]:
        return "Nobody complained of any brand"
    has = f"{of.us} {_verb(of, 'have', 'has')} {share(complaints[0] / complaints[1])} of the complaints"
    others = Counts(mentions[1] - mentions[0], complaints[1] - complaints[0])
    apart = rate_surprise(Counts(*(each[0] for each in (mentions, complaints))), others)
    voice = f"{share(mentions[0] / mentions[1])} of what is said"
    if abs(apart) < CHANCE:
        return f"{has} and {voice}: the difference is within chance"
    return f"{has}, {'more' if apart > 0 else 'less'} than {_verb(of, 'their', 'its')} {voice}"


def _sentiment(of: Competition, wide: TrendScope) -> Chart:
    ranked = [(each, each.sentiment) for each in of.standings if each.sentiment]
    ranked.sort(key=lambda each: (-each[1].value, each[0].name))
    a, b = of.ours.net_sentiment, of.theirs.net_sentiment
    if a is None or b is None:
        title = f"Of {of.us if a is None else of.them} nothing is said to compare the sentiment with"
    else:
        apart = sentiment_surprise(of.ours, of.theirs)
        how = "differs within chance from" if abs(apart) < CHANCE else "is above" if apart > 0 else "is below"
        title = f"Net sentiment of {of.us}, {signed(100 * a)}, {how} that of {of.them}, {signed(100 * b)}"
    rows = []
    for each, sentiment in ranked:
        before = each.then.net_sentiment if wide.before else None
        interval = (sentiment.value, sentiment.low, sentiment.high)
        rows.append((said("brand", each.name), *interval, before, each.all.mentions))
    kinds = ("Net sentiment", "At least", "At most", "Period before")
    return Chart(
        name="net_sentiment",
        title=title,
        measure=f"Net sentiment (of -100 to 100) by brand, and what it may be by chance; short lines: {wide.than}",
        scope=wide.words,
        spec=intervals(
            [
                Range(
                    row[0],
                    100 * sentiment.value,
                    100 * sentiment.low,
                    100 * sentiment.high,
                    "plain" if each.ours else "neutral",
                    None if row[4] is None else 100 * row[4],
                    _trend(wide, each.name, "net_sentiment"),
                )
                for row, (each, sentiment) in zip(rows, ranked, strict=True)
            ],
            "+.0f",
        ),
        table=Table(
            (Column("Brand", "text"), *(Column(name, "points") for name in kinds), Column("Mentions")),
            tuple(rows),
            tuple(_trend(wide, each.name, "net_sentiment") for each, _ in ranked),
        ),
    )


def _strengths(of: Competition, wide: TrendScope, mine: tuple[str, ...]) -> Chart:
    styles = {"strength": "positive", "weakness": "negative", "chance": "neutral"}
    links = [_trend(wide, mine[0], "complaints", topic=each.topic) if len(mine) == 1 else None for each in of.topics]
    apart = [each.difference for each in of.topics]
    figures = [(100 * each.value, 100 * each.low, 100 * each.high) for each in apart]
    return Chart(
        name="strengths",
        title=_differs(of),
        measure=f"Complaints about each topic for 100 mentions of {of.us}, less those for 100 mentions of {of.them}",
        scope=wide.words,
        spec=intervals(
            [
                Range(spoken(each.topic), *figure, style=styles[each.finding], link=link)
                for each, figure, link in zip(of.topics, figures, links, strict=True)
            ],
            "+.1f",
        ),
        table=Table(
            (
                Column("Topic", "text"),
                *(
                    Column(name, "number")
                    for name in (f"For 100 of {of.us}", f"For 100 of {of.them}", "Difference", "At least", "At most")
                ),
                Column("Finding", "text"),
                Column(f"Complaints of {of.us}"),
                Column(f"Complaints of {of.them}"),
            ),
            tuple(
                (spoken(each.topic), 100 * each.our_rate, 100 * each.their_rate, *figure, each.finding, each.ours,
                 each.theirs)
                for each, figure in zip(of.topics, figures, strict=True)
            ),
            tuple(link or "" for link in links),
        ),
        note=f"Right of the line {of.us} {_verb(of, 'are', 'is')} complained of more, left of it less; a bar that "
        "touches it is within chance.",
    )  # fmt: skip


def _differs(of: Competition) -> str:
    worse = [f"{spoken(each.topic)} ({_each(each)})" for each in of.topics if each.finding == "weakness"]
    better = [f"{spoken(each.topic)} ({_each(each)})" for each in reversed(of.topics) if each.finding == "strength"]
    found = [
        *([f"weaker in {_first(worse)}"] if worse else []),
        *([f"stronger in {_first(better)}"] if better else []),
    ]
    if not found:
        return f"In no topic {_verb(of, 'do', 'does')} {of.us} differ from {of.them} beyond chance"
    return f"{of.us} {_verb(of, 'are', 'is')} {' and '.join(found)} than {of.them}"


def _each(of: Against) -> str:
    return f"{100 * of.difference.value:+.1f}".replace("-", "−")


def _first(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _verb(of: Competition, several: str, one: str) -> str:
    return several if of.us == "Our brands" else one


def _side(of: Competition, when: str, name: str) -> tuple[int, int]:
    """Ours, and those of all."""
    counts = [(each.ours, getattr(getattr(each, when), name)) for each in of.standings]
    return sum(count for ours, count in counts if ours), sum(count for _, count in counts)


def _trend(wide: TrendScope, brand: str, figure: str, **more: str) -> str:
    return f"/trends?{wide.address(brand=brand, whose=None, by='none', figure=figure, **more)}"
