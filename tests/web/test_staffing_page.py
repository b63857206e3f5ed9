"""The page of the staffing: a small world counted by hand, what is said of it, and what cannot be shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from monitor.access.roles import Role
from monitor.access.users import add_in
from monitor.clock import ManualClock
from monitor.database import Database, insert_rows
from monitor.erlang import needed
from monitor.models import CaseRow, MentionRow
from monitor.staffing import DEFINITIONS
from monitor.web.staffing_scope import LIMITS
from tests.web.people import US
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading
from tests.web.town import happened

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TALLINN = {"timezone": "Europe/Tallinn"}


def come(db: Database, times: list[datetime], **more: str) -> None:
    """A closed case of Acme for each of these times."""
    with db.write() as session:
        first = MentionRow(
            source="x", external_id=f"{more}", text="Late again", brands=["Acme"], posted_at=times[0], seen_at=times[0]
        )
        session.add(first)
        session.flush()
        given = {"mention_id": first.id, "brand": "Acme", "source": "x", "state": "resolved", "severity": "low"}
        given |= {"topic": "delivery", "language": "en", "policy": "default", "clock": "stopped", "clock_kind": "first"}
        zeros = {"step": 0, "version": 0, "paused_calendar": 0.0, "paused_business": 0.0, "head_start": 0.0}
        insert_rows(session, CaseRow, [given | zeros | {"opened_at": at, "posted_at": at} | more for at in times])


def eight_weeks(desk: Desk, **more: str) -> None:
    """Four cases each Monday from 9 to 10, one each day from 15 to 16, on the clock of Tallinn; one before."""
    times = [datetime.fromisoformat("2026-09-24T12:00:00Z")]
    for day in range(8 * 7):
        begin = datetime.fromisoformat("2026-09-25T00:00:00+00:00") + day * DAY
        ahead = 3 if begin < datetime.fromisoformat("2026-10-25T00:00:00Z") else 2
        times.append(begin + (15 - ahead) * HOUR)
        if begin.weekday() == 0:
            times += [begin + (9 - ahead) * HOUR + timedelta(minutes=10 * n) for n in range(4)]
    come(desk.db, times, **more)


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    """At noon of Friday 2026-11-20; on weekdays from 9 to 17 somebody is on call."""
    return open_desk(clock, clock=TALLINN, oncall=[{"who": "U0MARI", "hours": ["mon-fri 09:00-17:00"]}])


def table(desk: Desk, name: str, query: str = "") -> list[list[str]]:
    return list(csv.reader(io.StringIO(desk.http.get(f"/api/v1/charts/staffing/{name}.csv?{query}").text)))


def test_it_says_when_cases_come_and_what_to_expect(desk: Desk) -> None:
    eight_weeks(desk)
    page = Seen(desk.http.get("/staffing").text)
    assert "Most cases come on Monday from 09:00, 4.0 in that hour on average" in page.text
    assert "Acme, 88 cases, 2026-09-25 to 2026-11-19, Europe/Tallinn" in page.text
    assert "About 11 cases in the week to come" in page.text
    assert "; 11 in the past 7 days" in page.text
    assert "Had the past 4 weeks been forecast like this" in page.text
    assert "45 cases expected, 44 came." in page.text
    for title, meaning in DEFINITIONS.values():
        assert title in page.text
        assert meaning in page.text
    assert ("a", {"href": "/staffing", "aria-current": "page"}) in page.tags


def test_the_figures_are_those_of_the_small_world(desk: Desk) -> None:
    eight_weeks(desk)
    heat = {row[0]: row[1:] for row in table(desk, "heat")}
    assert [n for n, value in enumerate(heat["Monday"]) if float(value)] == [9, 15]
    assert (heat["Monday"][9], heat["Sunday"][15], heat["Sunday"][9]) == ("4.0", "1.0", "0.0")
    told = desk.http.get("/api/v1/staffing").json()
    assert (told["cases"], told["growth"], len(told["hours"])) == (88, 0, 168)
    assert told["week"]["mean"] == pytest.approx(11, abs=0.2)
    assert told["by_weekday"][0][9] == 4
    days = {day["day"]: day["expected"]["mean"] for day in told["days"]}
    assert list(days) == [f"2026-11-{n}" for n in range(20, 27)]
    assert days["2026-11-23"] == pytest.approx(5, abs=0.2)
    monday = next(hour for hour in told["hours"] if hour["start"].startswith("2026-11-23T09:00"))
    # four cases of a quarter of an hour each: one person would be busy all the time; what the day and the time of day
    # say together takes some of it away
    assert 2 < monday["load"] < 4
    assert monday["needed"] == needed(monday["load"], timedelta(minutes=15), timedelta(minutes=20), 0.8) == 2
    assert (monday["who"], monday["on_call"], monday["short"]) == (["U0MARI"], 1, 1)
    assert told["definitions"]["short"] == DEFINITIONS["short"][1]


def test_the_rota_is_short_where_nobody_or_too_few_are_on_call(desk: Desk) -> None:
    eight_weeks(desk)
    page = Seen(desk.http.get("/staffing").text)
    assert "The rota is short in " in page.text
    assert "1 on call, 2 needed" in page.text
    assert "U0MARI" in page.text
    rows = {row[0]: row for row in table(desk, "rota")[1:]}
    assert rows["2026-11-23T07:00:00Z"][2:] == ["2", rows["2026-11-23T07:00:00Z"][3], "1", "1", "U0MARI"]
    assert rows["2026-11-21T13:00:00Z"][4:] == ["0", "1", "nobody"]
    relaxed = desk.http.get("/api/v1/staffing?handling=5&share=50").json()
    assert next(h for h in relaxed["hours"] if h["start"].startswith("2026-11-23T09:00"))["short"] == 0


def test_those_on_call_are_shown_by_their_names(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    around = [f"{day} 09:00-17:00" for day in ("mon", "tue", "wed", "thu", "fri")]
    ids = ("U0MARI", "U0JAAN", "U0NEW", "U0ANN")
    rota = [{"who": who, "hours": [hours]} for who, hours in zip(ids, around, strict=False)]
    desk = open_desk(clock, clock=TALLINN, oncall=[*rota, {"who": "S0NIGHT", "name": "the <night> team"}])
    eight_weeks(desk)
    with desk.db.write() as session:
        add_in(session, "Mari Tamm", Role.AGENT, US, clock.now(), subject="slack U0MARI")
        for name, who in (("mari", "U0MARI"), ("jaan.old", "U0JAAN"), ("jaan", "U0JAAN")):
            happened(session, session.get_one(CaseRow, 1), "take", name, clock.now(), "slack", slack_user=who)
        happened(session, session.get_one(CaseRow, 1), "take", "not Ann", clock.now(), "web", slack_user="U0ANN")
    page = Seen(desk.http.get("/staffing").text).text
    for name in ("Mari Tamm", "jaan", "U0NEW", "U0ANN", "the <night> team"):
        assert name in page
    assert not any(hidden in page for hidden in ("U0MARI", "U0JAAN", "jaan.old", "S0NIGHT", "not Ann"))
    assert {row[6] for row in table(desk, "rota")[1:]} == {"Mari Tamm", "jaan", "U0NEW", "U0ANN", "the <night> team"}
    told = desk.http.get("/api/v1/staffing").json()
    assert told["names"] == {"S0NIGHT": "the <night> team", "U0JAAN": "jaan", "U0MARI": "Mari Tamm"}
    assert {who for hour in told["hours"] for who in hour["who"]} == {*ids, "S0NIGHT"}


def test_business_hours_leave_the_night_to_the_morning(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = open_desk(clock, clock=TALLINN | {"hours": ["mon-fri 09:00-17:00"]}, slack={"oncall": "S0TEAM"})
    eight_weeks(desk)
    page = Seen(desk.http.get("/staffing?group=3").text)
    assert "The rota suffices in the week to come" in page.text
    assert "Nowhere: at every hour" in page.text
    short = desk.http.get("/api/v1/staffing").json()["gaps"]
    assert [(gap["starts_at"], gap["on_call"], gap["needed"]) for gap in short] == [
        ("2026-11-23T09:00:00+02:00", 1, 3),  # with what came since Friday evening
        ("2026-11-23T15:00:00+02:00", 1, 2),
    ]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("weeks=1", "weeks is 1: it can be 2 to 52 weeks"),
        ("weeks=1000", "it can be 2 to 52 weeks"),
        ("handling=a+while", "it is a number of minutes, 1 to 480"),
        ("share=100", "it can be 1 to 99 per cent"),
        ("within=-5", "it is a number of minutes, 0 to 1440"),
        ("group=0", "it can be 1 to 100 people"),
        ("brand=Acmee", "did you mean"),
        ("source=usenet", "There is no source"),
        ("language=klingon", "There is no language"),
    ],
)
def test_what_cannot_be_shown_is_explained_with_the_nearest_that_can(desk: Desk, query: str, why: str) -> None:
    eight_weeks(desk)
    answer = desk.http.get(f"/staffing?{query}")
    assert answer.status_code == 422
    assert why in answer.text
    assert heading(answer.text) == "How many people the week to come takes"
    refused = desk.http.get(f"/api/v1/staffing?{query}")
    assert refused.status_code == 422
    assert why in refused.json()["detail"] or refused.json()["errors"][0]["name"] in LIMITS


def test_nothing_to_show_says_what_to_do(desk: Desk, open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    assert "firsthour import" in desk.http.get("/staffing").text
    come(desk.db, [clock.now() - 5 * DAY, clock.now() - 2 * DAY])
    page = desk.http.get("/staffing").text
    assert "A forecast needs two whole weeks" in page
    assert "There are 4 days so far" in page
    assert "drop them" in desk.http.get("/staffing?source=reddit").text
    assert "Nobody is on the rota" in open_desk(clock).http.get("/staffing").text


def test_filters_and_the_plan_stand_in_the_address(desk: Desk) -> None:
    eight_weeks(desk)
    page = desk.http.get("/staffing?source=x&language=en&weeks=4&handling=30").text
    assert "Acme on x in English, 44 cases, 2026-10-23 to 2026-11-19" in page
    whole = "weeks=4&amp;handling=30&amp;within=20&amp;share=80&amp;group=1&amp;source=x&amp;language=en"
    assert f"/api/v1/charts/staffing/heat.csv?{whole}" in page
    assert f"?{whole}#rota" in page


def test_hostile_names_stay_text(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    name = HOSTILE.replace("\u0000", "")[:90]
    desk = open_desk(clock, brands=[{"name": name, "match": "acme"}])
    eight_weeks(desk, brand=name, source="</script><b>")
    page = Seen(desk.http.get("/staffing").text)
    assert "About 11 cases" in page.text
    assert "\u202e" not in page.text
    assert not any(tag in ("img", "b") and "onerror" in attrs for tag, attrs in page.tags)
    assert [attrs.get("src") for tag, attrs in page.tags if tag == "script" and "type" not in attrs] == [
        *("/static/htmx.min.js", "/static/live.js", "/static/charts.js")
    ]
