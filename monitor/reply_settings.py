"""The settings of replies: templates, and who has to look at a reply before it goes out."""

from __future__ import annotations

import re
from datetime import timedelta

from pydantic import Field, field_validator

from monitor.section import Section, Span

PLACEHOLDERS = ("name", "product", "brand", "agent")


class ApprovalSettings(Section):
    """A reply to a case for which every given condition of one of these holds waits for a second person."""

    source: list[str] = Field(default_factory=list, description="condition: one of these sources; none: any")
    brand: list[str] = Field(default_factory=list, description="condition: one of these brands; none: any")
    severity: list[str] = Field(default_factory=list, description="condition: low, medium, high, critical; none: any")
    language: list[str] = Field(default_factory=list, description='condition: ISO 639-1 codes such as "et"; none: any')
    topic: list[str] = Field(default_factory=list, description="condition: what failed; none: any")

    def holds(self, **case: str) -> bool:
        return all(not getattr(self, key) or value in getattr(self, key) for key, value in case.items())


class RepliesSettings(Section):
    composing: Span = Field(
        timedelta(minutes=5), description="who opened the reply window, or typed in it, counts as busy for so long"
    )
    approvers: list[str] = Field(
        default_factory=list, description="who may approve, as Slack user ids or names; none: anybody but the author"
    )
    approval: list[ApprovalSettings] = Field(
        default_factory=list, description="which replies need a second pair of eyes; none: no reply does"
    )


class TemplateSettings(Section):
    name: str = Field(min_length=1, max_length=70, description="unique; what the reply window calls it")
    text: str = Field(min_length=1, max_length=3000, description="with {name}, {product}, {brand}, {agent} to fill in")
    language: str | None = Field(None, description='for customers who write it, such as "et"; none: any')
    topic: str | None = Field(None, description="for complaints about it; none: any")
    brand: str | None = Field(None, description="for this brand; none: any")

    @field_validator("text")
    @classmethod
    def _placeholders(cls, value: str) -> str:
        for name in re.findall(r"{([^{}]*)}", value):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise ValueError(f'there is no placeholder "{{{name}}}": one of {known}')
        return value
