"""Storms on the desk: what is under way stands above the cases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from monitor.database import Database
from monitor.models import CaseRow, IncidentRow
from tests.web import town
from tests.web.serving import Desk


def storm(db: Database, now: datetime) -> None:
    """Everything that anybody complains about belongs to one incident."""
    with db.write() as session:
        row = IncidentRow(brand="Acme", state="open", topics=["account_access"], began_at=now - timedelta(minutes=20))
        row.opened_at, row.usual, row.size = now, 1.0, 3.0
        row.slack_channel, row.slack_ts = "C0ALERTS", "1795000000.000100"
        session.add(row)
        session.flush()
        session.execute(update(CaseRow).values(incident_id=row.id))


def test_a_storm_stands_above_the_cases_with_the_way_to_it(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    assert "Storm" not in desk.http.get("/").text
    before = desk.http.get("/parts/board")
    storm(desk.db, desk.clock.now())
    page = desk.http.get("/").text
    assert "complaints about account access since" in page
    assert "1 of them late" in page
    assert 'href="https://slack.com/archives/C0ALERTS/p1795000000000100"' in page
    assert page.index('class="storm"') < page.index('id="waiting"')
    digest = before.text.split('data-digest="')[1].split('"')[0]
    assert desk.http.get("/parts/board", headers={"x-seen": digest}).status_code == 200, "it is drawn anew"


def test_what_is_over_and_answered_is_not_shown_any_more(desk: Desk) -> None:
    town.settle(desk.db, desk.clock.now())
    storm(desk.db, desk.clock.now())
    with desk.db.write() as session:
        session.execute(update(IncidentRow).values(state="ended", ended_at=desk.clock.now(), ended_by="ann"))
    assert "Storm over" in desk.http.get("/").text
    with desk.db.write() as session:
        session.execute(update(CaseRow).values(state="resolved"))
    assert "Storm over" not in desk.http.get("/").text
