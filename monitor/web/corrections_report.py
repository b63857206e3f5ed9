"""What the page of the corrections shows: how far verdicts stood, where they were wrong, and those in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import Bar, ranked
from monitor.charts.over_time import lines
from monitor.clock import Clock
from monitor.corrected import Corrected, counted, latest, wrong_over_time
from monitor.database import Database
from monitor.doubts import Doubtful, doubtful, threshold
from monitor.settings import Settings
from monitor.trend_counts import Filter
from monitor.trend_spans import Span
from monitor.trends import totals
from monitor.web.scope import Impossible
from monitor.web.trend_charts import about, partial, per, said, when
from monitor.web.trend_scope import Scopes, TrendScope
from monitor.web.words import share

BY: Final = ("language", "topic", "source")
ASKED = 10  # doubtful verdicts on the page
LISTED = 30  # corrections on the page; /api/v1/corrections has all

DEFINITIONS = {
    "judged": ("Judged complaints", "Mentions that the classifier took for complaints, whatever people said later."),
    "false_alarms": ("False alarms", "Judged complaints of which the last person to say so said that they are none."),
    "missed": (
        "Missed",
        "Mentions that the classifier took for none, and the last person to say so for a complaint. Those that nobody "
        "looked at are not known.",
    ),
    "confirmed": ("Confirmed", "Verdicts that a person looked at and found right."),
    "precision": (
        "Precision as corrected",
        "Judged complaints that are no false alarms, as a share of all. What nobody said a word on counts as right, so "
        "it is the most that it can be.",
    ),
    "of_reviewed": (
        "Right of those looked at",
        "Confirmed verdicts as a share of all on which a person said a word. People are asked about doubtful ones and "
        "correct wrong ones, so it is less than for all.",
    ),
}


@dataclass(frozen=True, slots=True)
class Score:
    """What became of verdicts. A mention of two brands counts for each, as in the trends."""

    judged: int = 0
    false_alarms: int = 0
    missed: int = 0
    confirmed: int = 0

    @property
    def wrong(self) -> int:
        return self.false_alarms + self.missed

    @property
    def precision(self) -> float | None:
        return 1 - self.false_alarms / self.judged if self.judged else None

    @property
    def of_reviewed(self) -> float | None:
        reviewed = self.wrong + self.confirmed
        return self.confirmed / reviewed if reviewed else None


@dataclass(frozen=True, slots=True)
class Corrections:
    """`groups` are those of what it is apart by, the most wrong first; `latest` and `doubtful` are for the page."""

    scope: TrendScope
    choices: dict[str, list[tuple[str, str]]]
    by: str
    all: Score
    then: Score | None
    groups: dict[str, Score]
    latest: list[Corrected]
    doubtful: list[Doubtful]
    threshold: float
    charts: dict[str, Chart]

    @property
    def query(self) -> str:
        return self.scope.address(by=self.by)


class CorrectionReports:
    """Makes the report of what an address asks for: a scope, and `by`."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._scopes = db, Scopes(clock, settings)
        self._threshold = settings.classifier.complaint_threshold

    def report(self, asked: Mapping[str, str]) -> Corrections:
        """Raises Impossible."""
        by = asked.get("by") or "topic"
        if by not in BY:
            raise Impossible(f'by is "{by[:40]}": it can be {", ".join(BY)}.', {"by": ""})
        with self._db.read() as session:
            scope, choices = self._scopes.scope(session, {k: v for k, v in asked.items() if k != "complaint"})
            span, before = scope.span, scope.before
            groups = _groups(session, scope.filter, span, by)
            then = _sum(_groups(session, scope.filter, before, by).values()) if before else None
            wrong = wrong_over_time(session, span, scope.filter)
            words = latest(session, span, scope.filter, LISTED)
            at = self._threshold if self._threshold is not None else threshold(session)
            asked_of = doubtful(session, at, scope.filter.brand, ASKED, scope.filter) if scope.filter.brand else []
        score = _sum(groups.values())
        charts = []
        if score.judged or score.wrong or score.confirmed:
            charts = [_ranking(scope, by, groups, score, then), _course(scope, wrong, score, then)]
        named = {chart.name: chart for chart in charts}
        return Corrections(scope, choices, by, score, then, groups, words, asked_of, at, named)

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts


def _groups(session: Session, wanted: Filter, span: Span, by: str) -> dict[str, Score]:
    """What the classifier said is what is counted now, less what people made of it."""
    words = counted(session, span, wanted, by)
    now = {name: counts.complaints for name, counts in totals(session, span, wanted, by).items()}
    found = {}
    for name in sorted({*now, *(name for name, _, _ in words)}):
        alarms, missed = words[name, True, False], words[name, False, True]
        judged = now.get(name, 0) - missed + alarms
        found[name] = Score(judged, alarms, missed, words[name, True, True] + words[name, False, False])
    kept = {name: score for name, score in found.items() if score != Score()}
    return dict(sorted(kept.items(), key=lambda each: (-each[1].wrong, -each[1].judged, each[0])))


def _sum(scores: Iterable[Score]) -> Score:
    total = Score()
    for each in scores:
        total = replace(
            total,
            judged=total.judged + each.judged,
            false_alarms=total.false_alarms + each.false_alarms,
            missed=total.missed + each.missed,
            confirmed=total.confirmed + each.confirmed,
        )
    return total


def _ranking(scope: TrendScope, by: str, groups: Mapping[str, Score], score: Score, then: Score | None) -> Chart:
    """Wrong verdicts by what they are apart by."""
    if score.wrong:
        first, worst = next(iter(groups.items()))
        title = f"{_many(score.false_alarms, 'false alarm')} and {score.missed:,} missed of {score.judged:,} judged "
        title += f"complaints; most are {about(by, first)}: {worst.wrong:,}"
    else:
        title = f"No verdict was corrected, of {score.judged:,} judged complaints"
    shown = [(name, each) for name, each in groups.items() if each.wrong][:12]
    return Chart(
        name="wrong",
        title=title,
        measure=f"Verdicts that people corrected, false alarms and missed ones, by {by}",
        scope=scope.words,
        spec=ranked(
            [
                Bar(said(by, name), each.wrong, link=f"/corrections?{scope.address(**{by: name})}")
                for name, each in shown
            ]
        ),
        table=Table(
            (
                Column(by.capitalize(), "text"),
                *(Column(DEFINITIONS[name][0]) for name in ("judged", "false_alarms", "missed", "confirmed")),
                Column(DEFINITIONS["precision"][0], "share"),
                Column(DEFINITIONS["of_reviewed"][0], "share"),
            ),
            tuple(
                (
                    said(by, name),
                    each.judged,
                    each.false_alarms,
                    each.missed,
                    each.confirmed,
                    each.precision,
                    each.of_reviewed,
                )
                for name, each in groups.items()
            ),
            tuple(f"/corrections?{scope.address(**{by: name})}" for name in groups),
        ),
        note=None if score.precision is None else f"Precision as corrected: {share(score.precision)} of all.",
    )


def _course(scope: TrendScope, wrong: tuple[list[int], list[int]], score: Score, then: Score | None) -> Chart:
    """Wrong verdicts over time, by when the mention was posted."""
    alarms, missed = wrong
    title = f"{_many(score.wrong, 'verdict')} {'was' if score.wrong == 1 else 'were'} corrected"
    title += f", after {then.wrong:,} in {scope.than}" if then is not None else ""
    return Chart(
        name="course",
        title=title,
        measure=f"Corrected verdicts {per(scope.grain)}, by when the mention was posted",
        scope=scope.words,
        spec=lines(scope.axis, {"false alarms": alarms, "missed": missed}),
        table=Table(
            (when(scope), Column("False alarms"), Column("Missed")),
            tuple(zip(scope.axis.starts, alarms, missed, strict=True)),
        ),
        note=partial(scope).strip() or None,
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
