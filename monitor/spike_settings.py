"""What counts as a spike, and who is told of it."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from monitor.section import Section, Span


class SpikesSettings(Section):
    """Hours with far more mentions than usual, or with none where there are always some: docs/spikes.md."""

    enabled: bool = Field(True, description="look for unusual hours and tell of them")
    channel: str | None = Field(
        None, description="channel id of those who are told; none: `slack.ops_channel`, else `slack.channel`"
    )
    minimum: int = Field(10, ge=3, description="fewer mentions than so many together are never a peak")
    once_in: Span = Field(
        timedelta(days=60), description="a surprise that luck alone brings about a brand more often than so is none"
    )
    weeks: int = Field(8, ge=3, le=26, description="weeks of the past from which the usual is taken")
    hush: bool = Field(True, description="tell also of silence where there are always mentions")
    competitors: bool = Field(False, description="tell also of what happens to competitors")
    calm: Span = Field(timedelta(hours=3), description="a spike is over when so many hours in a row were usual again")
    longest: Span = Field(timedelta(days=3), description="and after so long in any case")
    late: Span = Field(timedelta(hours=3), description="mentions that come later than this raise no alarm")
