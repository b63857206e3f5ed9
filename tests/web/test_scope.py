"""Which period and which cases an address means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from monitor.web.scope import Impossible, check_known, scope

TALLINN = ZoneInfo("Europe/Tallinn")
NOW = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)  # already Saturday in Tallinn


def test_without_a_period_it_is_the_past_30_days_of_the_teams_calendar() -> None:
    usual = scope({}, NOW, TALLINN)
    assert (usual.first, usual.last) == (date(2026, 10, 23), date(2026, 11, 21))


@pytest.mark.parametrize(("day", "hours"), [("2026-10-24", 24), ("2026-10-25", 25), ("2026-03-29", 23)])
def test_a_day_is_as_long_as_the_wall_clock_makes_it(day: str, hours: int) -> None:
    one = scope({"from": day, "to": day}, NOW, TALLINN)
    assert one.until - one.since == timedelta(hours=hours)


def test_a_scope_is_restored_by_its_own_address() -> None:
    asked = {"from": "2026-11-01", "to": "2026-11-20", "brand": "A & B <x>", "language": "et", "minutes": "business"}
    wanted = scope(asked, NOW, TALLINN)
    assert dict(parse_qsl(wanted.query)) == asked
    assert scope(dict(parse_qsl(wanted.query)), NOW, TALLINN) == wanted


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"from": "2026-11-20", "to": "2026-11-01"}, "exchange the two days"),
        ({"from": "2026-11-22", "to": "2026-12-01"}, "today is 2026-11-21"),
        ({"from": "2021-11-20"}, "400 can be shown"),
        ({"from": "2026-02-30"}, "which is no day"),
        ({"to": "yesterday"}, "which is no day"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from 2000-01-01 on"),
        ({"to": "9999-12-31"}, "from 2000-01-01"),
        ({"minutes": "dog"}, "calendar or business"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_mend(asked: dict[str, str], why: str) -> None:
    with pytest.raises(Impossible, match=why):
        scope(asked, NOW, TALLINN)


def test_the_earliest_and_the_latest_day_can_be_asked_for() -> None:
    assert scope({"to": "2000-01-01"}, NOW, TALLINN).first == date(2000, 1, 1)
    assert scope({"from": "2026-11-21", "to": "2026-12-31"}, NOW, TALLINN).last == date(2026, 12, 31)


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(Impossible, match='no brand "Acmee"; did you mean "Acme"'):
        check_known(scope({"brand": "Acmee"}, NOW, TALLINN), {"brand": {"Acme", "Zenith"}})
    with pytest.raises(Impossible, match="known: none"):
        check_known(scope({"brand": "Acmee"}, NOW, TALLINN), {"brand": set()})
