"""How long words are kept without anybody doing anything, part of monitor/settings.py."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, field_validator

from monitor.section import Section, Span


class RetentionSettings(Section):
    """Once a day the service does what `firsthour db purge` does."""

    words: Span | None = Field(
        None, description='words and names first seen longer ago are forgotten, such as `"365d"`; none: kept for good'
    )

    @field_validator("words")
    @classmethod
    def _not_too_short(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(days=1):
            raise ValueError('at least "1d": cases may still need words younger than a day')
        return value
