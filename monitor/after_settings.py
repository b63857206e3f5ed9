"""What follows an answer, and what a customer is told before there is one: `[after]`, `[auto_ack]`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator

from monitor.section import Section, Span


class AfterSettings(Section):
    ask_solved: Span | None = Field(
        None, description="our answer has stood for so long without a word: the owner is asked whether it is solved"
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
