"""Who gets which digest, when and where; and how mail goes out."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.section import Section, Zone

Audience = Literal["team", "marketing", "lead"]


class MailSettings(Section):
    """The server by which mail goes out that is no reply: digests."""

    host: str | None = Field(None, description="the SMTP server; none: no mail goes out")
    port: int | None = Field(None, ge=1, le=65535, description="none: 465 with `tls`, else 587")
    security: Literal["tls", "starttls", "none"] = Field(
        "tls", description="`none` only on this machine: the password goes in the clear"
    )
    username: str | None = Field(None, description="none: nobody signs in")
    password: SecretStr | None = Field(None, description="better by FIRSTHOUR_MAIL__PASSWORD")
    address: str | None = Field(None, description="the sender, as `firsthour <firsthour@acme.example>`")

    @field_validator("address")
    @classmethod
    def _mailbox(cls, value: str | None) -> str | None:
        return None if value is None else mailbox(value)

    @model_validator(mode="after")
    def _whole(self) -> MailSettings:
        if self.host and not self.address:
            raise ValueError("mail needs an address from which it comes")
        if self.host and self.security == "none" and self.host not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError('security = "none" is for this machine only: write "tls" or "starttls"')
        if (self.username is None) != (self.password is None):
            raise ValueError("give both username and password, or neither")
        return self


class DigestSettings(Section):
    """A digest is about the time since the slot before: "mon-fri 17:55" about a day (on Mondays the weekend too), "fri
    16:00" about a week."""

    audience: Audience = Field(description="`team` (those who answer), `marketing`, or `lead`")
    when: str = Field(description='days and time, such as "mon-fri 17:55", "fri 16:00" or "daily 9:00"')
    channel: str | None = Field(None, description="channel id in Slack; without Slack it goes to the console")
    email: list[str] = Field(default_factory=list, description="addresses, by [mail]")
    apprise: list[str] = Field(default_factory=list, description="Apprise URLs, such as mailtos://... or msteams://...")
    brands: list[str] = Field(default_factory=list, description="these brands; none: all that are no competitors")
    timezone: Zone | None = Field(None, description="IANA time zone of `when`; none: that of [clock]")

    @field_validator("when")
    @classmethod
    def _slots(cls, value: str) -> str:
        from monitor.digest.slots import when

        when(value)
        return value

    @field_validator("channel")
    @classmethod
    def _channel(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[CG][A-Z0-9]{2,}", value):
            raise ValueError(f'"{value}" is no id of a channel (C0123...): copy it from Slack')
        return value

    @field_validator("email")
    @classmethod
    def _mailboxes(cls, value: list[str]) -> list[str]:
        return [mailbox(each) for each in value]

    @field_validator("apprise")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for url in value:
            if "://" not in url:
                raise ValueError("an Apprise URL has ://, as in mailtos://user:password@acme.example")
        return value

    @model_validator(mode="after")
    def _somewhere(self) -> DigestSettings:
        if not (self.channel or self.email or self.apprise):
            raise ValueError("say where it goes: channel, email or apprise")
        return self


def mailbox(value: str) -> str:
    """An address of mail, with or without a name."""
    found = parseaddr(value)[1]
    if not found.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+", found) or re.search(r"[\r\n]", value):
        raise ValueError(f'"{value}" is no address: write "help@acme.example" or "Acme Help <help@acme.example>"')
    return value
