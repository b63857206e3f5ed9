"""What the pages read, on both databases."""

from __future__ import annotations

from datetime import timedelta

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.web import listing, queries
from monitor.web.paging import CaseQuery
from tests.web import town


def test_the_desk_reads_the_same_on_both_databases(any_db: Database, clock: ManualClock) -> None:
    ids = town.settle(any_db, clock.now())
    with any_db.read() as session:
        desk = queries.desk(session, clock.now(), queries.Filter())
        file = queries.case_file(session, ids["kuldnokk"])
        languages = dict(queries.languages(session))
        version = queries.version(session)
    assert desk.counts == queries.Counts(waiting=6, late=1, soon=2, free=4)
    assert [c.author for c in desk.cases[:2]] == ["ayse_k", "noura.q8"]
    assert desk.median_seconds == 18 * 60
    assert desk.met_share == 1.0
    assert file is not None
    assert file.case.earlier == 2
    assert file.first is not None
    assert file.first.complaint_score == 0.97
    assert languages["et"] == 3
    assert version.count("-") == 2


def test_earlier_cases_count_for_thirty_days_only(any_db: Database, clock: ManualClock) -> None:
    with any_db.write() as session:
        for days in (0, 29, 31):
            town.case(session, town.KADRI, clock.now() - timedelta(days=days))
        newest = listing.cases(session, 10, CaseQuery())
        case = queries.with_earlier(session, [c for c in newest if c.opened_at > clock.now()])[0]
    assert case.earlier == 1


def test_a_mention_is_shown_with_the_verdict_on_its_present_words(any_db: Database, clock: ManualClock) -> None:
    with any_db.write() as session:
        row = town.mention(session, town.AYSE, clock.now(), revision=1)
        assert [m.sentiment for m in queries.mentions(session, 5)] == [None]
        row.revision = 0
        assert [m.sentiment for m in queries.mentions(session, 5)] == ["negative"]
