"""What programs may ask of figures: what the addresses of the pages have, described. A page takes whatever it is given,
and shows the nearest of what cannot be; here anything else is refused, as in the lists (monitor/web/paging.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import HTTPException
from pydantic import Field

from monitor.trend_figures import FIGURES
from monitor.trends import DIMENSIONS
from monitor.web.corrections_report import BY
from monitor.web.paging import Moment, Page, Strict
from monitor.web.scope import Impossible
from monitor.web.staffing_scope import LIMITS
from monitor.web.trend_scope import SENTIMENTS

LONGEST = 100
Found = TypeVar("Found")


def _text(description: str, **more: Any) -> Any:
    return Field("", max_length=LONGEST, pattern=r"^[^\x00]*$", description=description, **more)


def _number(name: str, description: str) -> Any:
    least, most = LIMITS[name]
    return Field(None, ge=least, le=most, description=description)


class Question(Strict):
    def asked(self) -> dict[str, str]:
        """As the address of a page has it."""
        given = self.model_dump(by_alias=True)
        return {name: str(value) for name, value in given.items() if value not in (None, "")}

    def of(self, report: Callable[[Mapping[str, str]], Found]) -> Found:
        """What `report` makes of it. Refused with its words where it cannot."""
        try:
            return report(self.asked())
        except Impossible as error:
            raise HTTPException(422, str(error)) from None


class SourceQuery(Question):
    source: str = _text("by its name in the configuration")


class CustomersQuery(SourceQuery):
    brand: str = _text("one of them; else all of your own")
    language: str = _text("ISO 639-1, such as et")


class PeriodQuery(CustomersQuery):
    first: str = _text("first day, such as 2026-11-01; else the past four weeks", alias="from")
    last: str = _text("last day", alias="to")
    grain: str = _text("hour, day, week or month; else what suits the period")


class MoodQuery(Question):
    topic: str = _text("such as delivery")
    sentiment: str = _text(", ".join(SENTIMENTS))
    whose: str = _text("all: of competitors too")


class ScopeQuery(MoodQuery, PeriodQuery):
    complaint: str = _text("yes or no, as people corrected it")


class BehindQuery(MoodQuery, CustomersQuery, Page):
    """Those that count in the trends: with corrections, without your own and what was removed. The newest first."""

    since: Moment | None = Field(None, description="`start` of a point; else 24 hours ago")
    until: Moment | None = Field(None, description="`end` of a point, or of the last; else 24 hours after `since`")
    complaint: str = _text("yes or no, as people corrected it")


class TrendQuery(ScopeQuery):
    figure: str = _text(f"that charts show: {', '.join(FIGURES)}; else complaints")
    by: str = _text(f"{', '.join(DIMENSIONS)} or none; else topic")


class RivalQuery(ScopeQuery):
    rival: str = _text("with which brand; else with all competitors")


class CorrectionsQuery(MoodQuery, PeriodQuery):
    by: str = _text(f"{', '.join(BY)}; else topic")


class ResponseQuery(CustomersQuery):
    first: str = _text("first day, such as 2026-11-01; else the past 30 days", alias="from")
    last: str = _text("last day", alias="to")
    minutes: str = _text("calendar or business; else calendar")


class StaffingQuery(CustomersQuery):
    weeks: int | None = _number("weeks", "of the past, that are learnt from")
    handling: int | None = _number("handling", "minutes for one case")
    within: int | None = _number("within", "minutes in which it is to be taken up")
    share: int | None = _number("share", "per cent of the cases that are to be")
    group: int | None = _number("group", "people that a user group of the rota stands for")


class ChartQuery(TrendQuery, RivalQuery, StaffingQuery):
    """What any of the pages takes."""

    minutes: str = _text("response: calendar or business; else calendar")
    by: str = _text(f"trends: {', '.join(DIMENSIONS)} or none; corrections: {', '.join(BY)}; else topic")
