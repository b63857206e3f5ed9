"""What the page of the topics shows: what complaints are made of, what rises in them, and what no topic covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from monitor.annotations import noted
from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.charts.time_axis import Mark
from monitor.classify.verdict import TOPICS
from monitor.clock import Clock
from monitor.database import Database
from monitor.rising import Cluster, RisingTerm, clusters, rising_terms
from monitor.settings import Settings
from monitor.trend_counts import NOTHING, Counts, surprise, together
from monitor.trend_figures import CHANCE_AMONG_MANY, share_surprise
from monitor.trend_findings import UNKNOWN, change
from monitor.trend_texts import NO_TEXTS, Texts, some_of, texts
from monitor.trends import series, totals
from monitor.web.scope import Impossible
from monitor.web.share_charts import most, shares
from monitor.web.trend_charts import per, said
from monitor.web.trend_scope import Scopes, TrendScope
from monitor.web.words import language, share, shortened, spoken

OTHER = TOPICS[-1]
READ = 400  # texts of complaints, and as many of the period before
READ_OTHER = 200  # of those that no topic covers
TERMS = 10
CLUSTERS = 6
DEFINITIONS = {
    "Share of a topic": "Complaints about it as a share of all complaints. That it moved is said where it did by more "
    "than three standard deviations of what two such shares would differ by anyhow, the greatest of a dozen.",
    "Rising topics": "Complaints about each, now and in the period before. Rising: by more than three standard "
    "deviations of what two such counts would differ by anyhow.",
    "Rising terms": "Words, and pairs of them, that a greater share of the people who complained in one language uses "
    "now than in the period before; the first by the log-odds with a Dirichlet prior (Monroe, Colaresi and Quinn "
    "2008). In 19 periods of 20 in which people say what they always said, none is shown (likelihood ratio, "
    "Bonferroni). Words that a fifth of the people used before are left out, and what fewer than three use.",
    "What no topic covers": "Groups of at least three people whose complaints have the topic other and share rare "
    "terms (cosine of TF-IDF at least 0.3 to the one in their middle), named by what they say and others do not.",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """Complaints about one topic: of all of the period, of what is compared, and of the period before."""

    name: str
    all: int
    compared: int
    then: int


@dataclass(frozen=True, slots=True)
class Composition:
    """`complaints` are those of all, of what is compared, and of the period before. What was `read` of their texts is
    now and before; `other` the same of those that no topic covers."""

    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    complaints: tuple[int, int, int]
    topics: tuple[Topic, ...]
    read: tuple[Texts, Texts]
    terms: tuple[RisingTerm, ...]
    other: tuple[Texts, Texts]
    clusters: tuple[Cluster, ...]
    charts: dict[str, Chart]

    @property
    def query(self) -> str:
        return self.scope.address()

    @property
    def quiet(self) -> str:
        """Why no term is shown."""
        if self.scope.before is None:
            return f"Which terms rise cannot be said: {UNKNOWN}."
        now, before = (len(each.people) for each in self.read)
        return f"No term rises beyond chance, among the {now:,} people who were read now and the {before:,} before."


class Topics:
    """Makes what an address asks for."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._scopes = db, Scopes(clock, settings)

    def report(self, asked: Mapping[str, str]) -> Composition:
        """Raises Impossible."""
        with self._db.read() as session:
            scope, choices = self._scopes.scope(session, asked)
            if scope.complaint is False:
                raise Impossible("This page is about complaints: complaint can only be yes.", {"complaint": ""})
            scope = replace(scope, complaint=None)
            only = replace(scope, complaint=True)
            points = series(session, only.span, only.filter, "topic")
            topics = _topics(session, only, points)
            marks = [each.mark for each in noted(session, scope.span.since, scope.span.until, scope.filter.brand)]
            read = _read(session, only, READ)
            other = _other(session, only, read)
        counted = tuple(sum(getattr(each, name) for each in topics) for name in ("all", "compared", "then"))
        terms = rising_terms(*read, TERMS) if scope.before else ()
        grouped = clusters(*other, CLUSTERS, [*read[0].people, *read[1].people])
        all, compared, then = counted
        found = Composition(scope, choices, (all, compared, then), topics, read, terms, other, grouped, {})
        charts = []
        if topics and scope.topic is None:
            charts = [_composition(found, only, points, marks), _rising(found, only)]
        charts += [_terms(found, only)] if terms else []
        charts += [_uncovered(found, only)] if grouped else []
        return replace(found, charts={chart.name: chart for chart in charts})

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


def _topics(session: Session, only: TrendScope, points: Mapping[str, tuple[Counts, ...]]) -> tuple[Topic, ...]:
    every = {name: together(counts) for name, counts in points.items()}
    compared: Mapping[str, Counts] = every if only.compared else {}
    if only.compared and only.compared.until != only.span.until:
        compared = totals(session, only.compared, only.filter, "topic")
    then = totals(session, only.before, only.filter, "topic") if only.before else {}
    return tuple(
        Topic(name, *(each.get(name, NOTHING).complaints for each in (every, compared, then)))
        for name in [*every, *(gone for gone in then if gone not in every)]
    )


def _read(session: Session, only: TrendScope, limit: int) -> tuple[Texts, Texts]:
    now, before = (texts(session, span, only.filter, limit) if span else NO_TEXTS for span in (only.span, only.before))
    return now, before


def _other(session: Session, only: TrendScope, read: tuple[Texts, Texts]) -> tuple[Texts, Texts]:
    """Of what no topic covers, without reading it again."""
    if only.topic not in (None, OTHER):
        return NO_TEXTS, NO_TEXTS
    if all(each.read == each.of for each in read):
        return some_of(read[0], OTHER), some_of(read[1], OTHER)
    return _read(session, replace(only, topic=OTHER), READ_OTHER)


def _composition(
    of: Composition, only: TrendScope, points: Mapping[str, tuple[Counts, ...]], marks: list[Mark]
) -> Chart:
    measure = f"Complaints by topic, as shares of all, {per(only.grain)}"
    drawn = most(only, "topic", points, lambda each: each.complaints)
    return shares("composition", _mix(of), measure, only, drawn, lambda each: each.complaints, marks)


def _mix(of: Composition) -> str:
    all, now, then = of.complaints
    first = max(of.topics, key=lambda each: each.all)
    leads = f"most are about {said('topic', first.name)} ({share(first.all / all)})" if all else ""
    if not all:
        return "Nobody complained"
    if of.scope.before is None or not then or not now:
        return f"Of {all:,} complaints {leads}; {UNKNOWN if of.scope.before is None else 'there were none before'}"
    moved = {each: share_surprise(each.compared, now, each.then, then) for each in of.topics}
    topic = max(moved, key=lambda each: abs(moved[each]))
    if abs(moved[topic]) < CHANCE_AMONG_MANY:
        return f"What complaints are about is within chance as in {of.scope.than}; {leads}"
    more = sum(abs(each) >= CHANCE_AMONG_MANY for each in moved.values()) - 1
    also = f", and {more} more moved" if more else ""
    to, was = share(topic.compared / now), share(topic.then / then)
    return f"{to} of complaints are about {said('topic', topic.name)}, after {was} in {of.scope.than}{also}"


def _rising(of: Composition, only: TrendScope) -> Chart:
    ordered = sorted(of.topics, key=lambda each: (-surprise(each.compared, each.then), each.name))
    risen = [each for each in ordered if surprise(each.compared, each.then) >= CHANCE_AMONG_MANY]
    if of.scope.before is None:
        title, ordered = f"Complaints by topic; {UNKNOWN}", sorted(of.topics, key=lambda each: -each.all)
    elif risen:
        first = risen[0]
        none = f"{first.compared:,}, after none in"
        how = f"{change(first.compared, first.then)} on" if first.then else none
        title = f"Rising: complaints about {said('topic', first.name)}, {how} {of.scope.than}{_more(len(risen) - 1)}"
    else:
        title = f"No topic rises beyond chance on {of.scope.than}"
    links = [f"/trends?{only.address(topic=each.name, by='none', figure='complaints')}" for each in ordered]
    before = only.before is not None
    return Chart(
        name="rising",
        title=title,
        measure=f"Complaints by topic, those that rise most first; short lines: {only.than}",
        scope=only.words,
        spec=ranked(
            [
                Bar(said("topic", each.name), each.all, each.then if before else None, link)
                for each, link in zip(ordered, links, strict=True)
            ]
        ),
        table=Table(
            (
                Column("Topic", "text"),
                Column("Complaints"),
                Column("Period before"),
                Column("Share", "share"),
                Column("Share before", "share"),
                Column("Surprise, in standard deviations", "number"),
            ),
            tuple(
                (
                    said("topic", each.name),
                    each.all,
                    each.then if before else None,
                    each.all / of.complaints[0] if of.complaints[0] else None,
                    each.then / of.complaints[2] if of.complaints[2] else None,
                    round(surprise(each.compared, each.then), 2) if before else None,
                )
                for each in ordered
            ),
            tuple(links),
        ),
    )


def _terms(of: Composition, only: TrendScope) -> Chart:
    first = of.terms[0]
    here, there = (max(1, len(each.people)) for each in of.read)
    after = f"after {first.before:,} of {first.of_before:,}" if first.of_before else "after nobody"
    people = f"{first.count:,} of {first.of:,} who complain in {language(first.language)}"
    return Chart(
        name="terms",
        title=f"“{_told(first.term)}” is said by {people}, {after} in {only.than}{_more(len(of.terms) - 1)}",
        measure=f"Share of the people whose complaints were read who use each term; short lines: {only.than}",
        scope=only.words,
        spec=ranked([Bar(_told(each.term), each.count / here, each.before / there) for each in of.terms], ".1%"),
        table=Table(
            (
                Column("Term", "text"),
                Column("Language", "text"),
                Column("People now"),
                Column("of"),
                Column("People before"),
                Column("of"),
                Column("Log-odds, in standard deviations", "number"),
                Column("Mostly about", "text"),
            ),
            tuple(
                (
                    _told(each.term),
                    language(each.language),
                    each.count,
                    each.of,
                    each.before,
                    each.of_before,
                    round(each.rise, 2),
                    spoken(each.topic),
                )
                for each in of.terms
            ),
        ),
        note=_how_much(of.read),
    )


def _uncovered(of: Composition, only: TrendScope) -> Chart:
    here, there = (len(each.people) for each in of.other)
    new = [each for each in of.clusters if share_surprise(each.count, here, each.before, there) >= CHANCE_AMONG_MANY]
    if not there:
        new = []
    first = (new or of.clusters)[0]
    title = f"No topic covers “{_named(first)}”: {first.count:,} of {here:,} people"
    if of.scope.before:
        title += f", after {first.before:,} of {there:,} in {only.than}{'' if new else ', within chance'}"
    firsts = Counter(_told(each.name[0]) for each in of.clusters)
    bars = [
        Bar(name if firsts[name := _told(each.name[0])] == 1 else _named(each), each.count / here, then)
        for each in of.clusters
        for then in [each.before / there if there else None]
    ]
    return Chart(
        name="uncovered",
        title=title,
        measure=f"Share of the people with complaints about something other; short lines: {only.than}",
        scope=only.words,
        spec=ranked(bars, ".0%"),
        table=Table(
            (
                Column("They say", "text"),
                Column("People now"),
                Column("of"),
                Column("People before"),
                Column("of"),
            ),
            tuple((_named(each), each.count, here, each.before, there) for each in of.clusters),
        ),
        note=_how_much(of.other),
    )


def _more(count: int) -> str:
    return f"; {count} more rise{'s' if count == 1 else ''}" if count else ""


def _told(term: str) -> str:
    return shortened(term, 40)


def _named(cluster: Cluster) -> str:
    return " · ".join(_told(term) for term in cluster.name)


def _how_much(of: tuple[Texts, Texts]) -> str:
    now, before = (f"{each.read:,} of {each.of:,}" for each in of)
    return f"Read: {now} complaints, and {before} before, evenly over each period."
