"""Who is on call: the rota against a slow model that asks each entry's wall clock, and the week as it is printed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from pydantic import ValidationError
from typer.testing import CliRunner

from monitor.cli import app
from monitor.oncall import Rota, days
from monitor.sla import windows
from monitor.team_settings import OncallSettings

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
RADIO = [
    OncallSettings(who="U0ANN", hours=["mon-fri 08:00-16:00"]),
    OncallSettings(who="U0BOB", hours=["mon-fri 16:00-24:00", "fri 22:00-02:00"]),
    OncallSettings(who="U0CEM", hours=["sat 10:00-14:00"], dates=["2026-11-21"]),
    OncallSettings(who="S0NIGHT"),
]


def on_call(rota: Rota, text: str) -> tuple[str, ...]:
    return rota.at(datetime.fromisoformat(text))


def test_each_is_on_call_in_their_hours_and_the_last_entry_for_the_rest() -> None:
    rota = Rota(RADIO, "Europe/Tallinn", "S0CARE")
    assert on_call(rota, "2026-11-20T08:00+02:00") == ("U0ANN",)
    assert on_call(rota, "2026-11-20T15:59:59+02:00") == ("U0ANN",)
    assert on_call(rota, "2026-11-20T16:00+02:00") == ("U0BOB",)
    assert on_call(rota, "2026-11-20T07:59+02:00") == ("S0NIGHT",)
    assert on_call(rota, "2026-11-22T12:00+02:00") == ("S0NIGHT",)


def test_a_night_belongs_to_the_day_on_which_it_began() -> None:
    rota = Rota(RADIO, "Europe/Tallinn")
    assert on_call(rota, "2026-11-21T01:59+02:00") == ("U0BOB",)
    assert on_call(rota, "2026-11-21T02:00+02:00") == ("S0NIGHT",)


def test_a_date_comes_before_the_week_and_only_for_its_hours() -> None:
    rota = Rota([*RADIO, OncallSettings(who="U0DEA", dates=["2026-12-24..2026-12-26"])], "Europe/Tallinn")
    assert on_call(rota, "2026-11-21T10:00+02:00") == ("U0CEM",)
    assert on_call(rota, "2026-11-28T10:00+02:00") == ("S0NIGHT",)
    assert on_call(rota, "2026-12-24T09:00+02:00") == ("U0DEA",)
    assert on_call(rota, "2026-12-26T23:59+02:00") == ("U0DEA",)
    assert on_call(rota, "2026-12-28T09:00+02:00") == ("U0ANN",)


def test_without_a_rota_it_is_the_one_group_at_all_times_or_nobody() -> None:
    assert on_call(Rota([], "UTC", "S0CARE"), "2026-11-21T10:00Z") == ("S0CARE",)
    assert on_call(Rota([], "UTC"), "2026-11-21T10:00Z") == ()


def test_several_may_be_on_call_at_once() -> None:
    rota = Rota([OncallSettings(who=who, hours=["mon-sun 00:00-24:00"]) for who in ("U0A", "U0B", "U0A")], "UTC")
    assert on_call(rota, "2026-11-21T10:00Z") == ("U0A", "U0B")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"who": "@ann"}, "copy it from Slack"),
        ({"who": "U0ANN", "hours": ["mon 8-16"]}, "is no window"),
        ({"who": "U0ANN", "dates": ["Christmas"]}, "is no date"),
        ({"who": "U0ANN", "dates": ["2026-12-26..2026-12-24"]}, "before the first"),
        ({"who": "U0ANN", "timezone": "Europe/Talinn"}, "Europe/Tallinn"),
    ],
)
def test_a_mistake_in_the_rota_says_how_to_mend_it(entry: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        OncallSettings.model_validate(entry)


def slow(entries: list[OncallSettings], zone: str, now: datetime) -> tuple[str, ...]:
    """What the wall clock says, entry by entry."""
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    for entry in entries:
        local = now.astimezone(ZoneInfo(entry.timezone or zone)).replace(tzinfo=None)
        hours = entry.hours or (["mon-sun 00:00-24:00"] if entry.dates else [])
        on = not hours
        for window in windows(hours):
            for back in (0, 1):
                day: date = local.date() - timedelta(days=back)
                since = local - datetime.combine(day, datetime.min.time())
                named = not entry.dates or day in days(entry.dates)
                on = on or (named and day.weekday() == window.weekday and window.opens <= since < window.closes)
        if on:
            groups[0 if entry.dates else 1 if hours else 2].append(entry.who)
    return tuple(dict.fromkeys(next((group for group in groups if group), [])))


HOURS = st.lists(
    st.sampled_from(["mon-fri 08:00-16:00", "fri 22:00-02:00", "sat,sun 10:00-24:00", "mon-sun 00:00-24:00"]),
    max_size=2,
)
ENTRIES = st.builds(
    OncallSettings,
    who=st.sampled_from(["U0ANN", "U0BOB", "S0NIGHT"]),
    hours=HOURS,
    timezone=st.sampled_from([None, "Europe/Tallinn", "America/New_York"]),
    dates=st.lists(st.sampled_from(["2026-11-01", "2026-11-21..2026-11-22", "2026-10-25"]), max_size=2),
)


@given(st.lists(ENTRIES, max_size=4), st.integers(0, 60 * 24 * 40))
def test_the_rota_agrees_with_the_wall_clocks(entries: list[OncallSettings], minutes: int) -> None:
    now = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(minutes=minutes)
    rota = Rota(entries, "Asia/Kolkata")
    assert rota.at(now) == slow(entries, "Asia/Kolkata", now)
    shifts = rota.shifts(now, now + timedelta(days=2))
    assert shifts[0].starts_at == now
    assert shifts[-1].ends_at == now + timedelta(days=2)
    for shift, following in pairwise(shifts):
        assert shift.ends_at == following.starts_at
        assert shift.who != following.who
    for shift in shifts:
        middle = shift.starts_at + (shift.ends_at - shift.starts_at) / 2
        assert slow(entries, "Asia/Kolkata", middle) == shift.who


def test_the_week_as_it_is_printed(tmp_path: Path) -> None:
    config = tmp_path / "firsthour.toml"
    config.write_text(
        """
        [clock]
        timezone = "Europe/Tallinn"
        [slack]
        oncall = "S0CARE"
        [[oncall]]
        who = "U0ANN"
        hours = ["mon-fri 08:00-16:00"]
        [[oncall]]
        who = "U0BOB"
        name = "Bob"
        dates = ["2026-11-21"]
        """
    )
    at = ("oncall", "--config", str(config), "--at", "2026-11-20T12:00+02:00")
    assert CliRunner().invoke(app, [*at, "--days", "4"]).output == snapshot("""\
On call now: U0ANN
Fri 2026-11-20 12:00 - Fri 2026-11-20 16:00  U0ANN
Fri 2026-11-20 16:00 - Sat 2026-11-21 00:00  S0CARE
Sat 2026-11-21 00:00 - Sun 2026-11-22 00:00  Bob (U0BOB)
Sun 2026-11-22 00:00 - Mon 2026-11-23 08:00  S0CARE
Mon 2026-11-23 08:00 - Mon 2026-11-23 16:00  U0ANN
Mon 2026-11-23 16:00 - Tue 2026-11-24 08:00  S0CARE
Tue 2026-11-24 08:00 - Tue 2026-11-24 12:00  U0ANN
""")
    assert '"now": [\n    "U0ANN"\n  ]' in CliRunner().invoke(app, [*at, "--json"]).output
