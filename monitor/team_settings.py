"""Settings of who is told what, where and when: the rota, the channels of some cases, the operator."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pydantic import Field, field_validator

from monitor.section import Section, Span, Zone


def addressable(value: str) -> str:
    """A user or a user group of Slack, by id."""
    if not re.fullmatch(r"[UWS][A-Z0-9]{2,}", value):
        raise ValueError(f'"{value}" is no id of a user (U0123...) or a user group (S0123...): copy it from Slack')
    return value


def known_severities(value: list[str]) -> list[str]:
    from monitor.classify.verdict import SEVERITIES

    for severity in value:
        if severity not in SEVERITIES:
            raise ValueError(f'there is no severity "{severity}": one of {", ".join(SEVERITIES)}')
    return value


def known_topics(value: list[str]) -> list[str]:
    from monitor.classify.verdict import TOPICS

    for topic in value:
        if topic not in TOPICS:
            raise ValueError(f'there is no topic "{topic}": one of {", ".join(TOPICS)}')
    return value


def quiet_windows(value: list[str]) -> list[str]:
    """Windows that leave some of the week."""
    from monitor.business_time import BusinessHours, windows

    monday = datetime(2024, 1, 1, tzinfo=UTC)
    end = BusinessHours(windows(value)).open_until(monday) or monday
    if end - monday >= timedelta(days=7):
        raise ValueError("these windows are the whole week, so that held cases would never come: leave some time out")
    return value


def holdable(value: list[str]) -> list[str]:
    """Severities whose alerts may wait."""
    for severity in known_severities(value):
        if severity in ("high", "critical"):
            raise ValueError(f'{severity} cases are never held back: take "{severity}" out, low and medium may wait')
    return value


class RouteSettings(Section):
    """The first route of which every given condition holds is the case's; without one it goes to `[slack] channel`."""

    brand: list[str] = Field(default_factory=list, description="condition: one of these brands; none: any")
    source: list[str] = Field(default_factory=list, description="condition: one of these sources; none: any")
    language: list[str] = Field(default_factory=list, description='condition: ISO 639-1 codes such as "et"; none: any')
    severity: list[str] = Field(default_factory=list, description="condition: low, medium, high, critical; none: any")
    topic: list[str] = Field(default_factory=list, description='condition: topics such as "delivery"; none: any')
    channel: str = Field(description="channel id where the case's message and its thread are")
    oncall: str | None = Field(None, description="on call for these cases: user (U...) or user group (S...)")
    lead: str | None = Field(None, description="told at a breach of these: user (U...) or channel (C...)")
    name: str | None = Field(None, max_length=60, description="what figures call this team; none: those on call")

    _severities = field_validator("severity")(known_severities)
    _topics = field_validator("topic")(known_topics)


class OncallSettings(Section):
    """Who is on call when. Entries with `dates` come before the weekly ones, those without `hours` after all others."""

    who: str = Field(description="user (U...) or user group (S...) that is mentioned")
    name: str | None = Field(
        None, max_length=60, description="what they are called; none: by the name they have at the desk or in Slack"
    )
    hours: list[str] = Field(default_factory=list, description='windows such as "mon-fri 08:00-16:00"; none: always')
    timezone: Zone | None = Field(None, description="IANA time zone of `hours` and `dates`; none: that of [clock]")
    dates: list[str] = Field(
        default_factory=list,
        description='only on these dates, in place of the weekly entries: "2026-12-24", "2026-12-24..2026-12-26"',
    )

    _who = field_validator("who")(addressable)

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: list[str]) -> list[str]:
        from monitor.sla import windows

        windows(value)
        return value

    @field_validator("dates")
    @classmethod
    def _dates(cls, value: list[str]) -> list[str]:
        from monitor.oncall import days

        days(value)
        return value


class OpsSettings(Section):
    """When the operator is told, and `/readyz` says no."""

    source_after: Span = Field(timedelta(minutes=5), description="a source has failed for so long")
    silent_after: Span = Field(
        timedelta(hours=1),
        description="no source at all has been read for so long (and not within two of the shortest `every`)",
    )
    judging_after: Span = Field(timedelta(minutes=5), description="a mention has waited for so long to be judged")
    delivering_after: Span = Field(timedelta(minutes=5), description="a message has waited for so long to go out")


class VipSettings(Section):
    """Authors whose complaints are of high severity at least, and marked in the alert."""

    followers: int | None = Field(None, ge=1, description="an author with so many followers is one; none: nobody")
    authors: dict[str, list[str]] = Field(
        default_factory=dict, description='handles by source, such as `x = ["@mayor"]`; `"*"`: on any source'
    )
