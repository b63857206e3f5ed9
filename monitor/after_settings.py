"""What follows an answer, and what a customer is told before there is one: `[after]`, `[auto_ack]`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from monitor.notice_texts import PLACEHOLDERS, unknown_placeholder
from monitor.section import Duration, Section, Span
from monitor.team_settings import known_topics

_FIELDS = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)


def _texts(value: dict[str, str]) -> dict[str, str]:
    for language, text in value.items():
        if not re.fullmatch("[a-z]{2,3}", language):
            raise ValueError(f'"{language}" is no language: write codes such as "en", "tr"')
        if not text.strip():
            raise ValueError(f"{language} has no words")
        if name := unknown_placeholder(text):
            raise ValueError(f'there is no placeholder "{{{name}}}": one of {_FIELDS}')
    return value


Texts = Annotated[dict[str, str], AfterValidator(_texts)]


Gentle = Literal["low", "medium", "high"]


class AutoAckSettings(Section):
    complaint_at_least: float = Field(
        0.9, ge=0.5, le=1, description="a complaint less probable than this is not acknowledged by itself"
    )
    negative_at_least: float = Field(
        0.8, ge=0, le=1, description="nor is one whose negative sentiment is less probable than this"
    )
    severities: list[Gentle] = Field(
        default_factory=lambda: list[Gentle](("low", "medium", "high")),
        description="which are; a critical case never is",
    )
    not_topics: list[str] = Field(
        default_factory=lambda: ["safety", "privacy"], description="topics too delicate for words that nobody wrote"
    )
    wait: Duration = Field(
        timedelta(),
        description="time that people have to be faster: an answered or closed case gets no acknowledgement",
    )
    texts: Texts = Field(
        default_factory=dict,
        description="by language, in place of the built-in ones; may hold {name} {minutes} {time} ...",
    )
    texts_later: Texts = Field(
        default_factory=dict, description="the same for an answer that is due in more than 90 minutes, as at night"
    )
    status_every: Span = Field(
        timedelta(minutes=30), description="a case's status notes (`status_notes` of a source) are so far apart"
    )
    status_texts: Texts = Field(default_factory=dict, description="by language: a person has taken the case")
    moved_texts: Texts = Field(default_factory=dict, description="by language: the promised time has moved")

    _topics = field_validator("not_topics")(known_topics)


class AfterSettings(Section):
    ask_solved: Span | None = Field(
        None, description="our answer has stood for so long without a word: the owner is asked whether it is solved"
    )
    follow_up_wait: Duration = Field(
        timedelta(minutes=10), description="from the closing of a case to the follow-up (`follow_up` of a source)"
    )
    follow_up_every: Span = Field(timedelta(days=7), description="one author's follow-ups are so far apart")
    follow_up_texts: Texts = Field(
        default_factory=dict, description="by language, in place of the built-in ones; may hold {name} {brand} {link}"
    )
    survey: bool = Field(
        False, description="give customers a link to one question, 1 to 5; needs `survey_secret` and `web.public_url`"
    )
    survey_secret: SecretStr | None = Field(
        None, description="signs the links, 32 letters or more; better by FIRSTHOUR_AFTER__SURVEY_SECRET"
    )
    survey_valid: Span = Field(timedelta(days=30), description="a link is good for so long")

    @field_validator("survey_secret")
    @classmethod
    def _long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("32 letters or more, such as `openssl rand -hex 32` gives")
        return value
