"""What counts as a storm, and how its incident is shown."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from monitor.section import Section, Span


class StormsSettings(Section):
    enabled: bool = Field(True, description="gather similar complaints in one incident; false: each stands alone")
    window: Span = Field(timedelta(minutes=15), description="complaints posted within so long are counted together")
    minimum: int = Field(8, ge=2, description="fewer similar complaints in a window are never a storm")
    rarity: float = Field(
        1e-7, gt=0, lt=0.01, description="a storm is a count that the usual reaches with this probability or less"
    )
    weeks: int = Field(8, ge=1, le=52, description="weeks of the past from which the usual is taken")
    similarity: float = Field(
        0.85, gt=0, le=1, description="cosine from which two complaints are similar, whatever their topics"
    )
    calm: Span = Field(timedelta(minutes=30), description="an incident ends when it was back to the usual for so long")
    longest: Span = Field(timedelta(hours=24), description="and after so long in any case")
    update_every: Span = Field(timedelta(seconds=20), description="least time between two changes of its message")
    collect_for: Span = Field(
        timedelta(seconds=10), description="cases of so long go into one message of the incident's thread"
    )
    cases_per_message: int = Field(8, ge=1, le=12, description="and no more cases than these")
    remind_every: Span = Field(timedelta(minutes=5), description="least time between two reminders of one kind")
