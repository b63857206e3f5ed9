"""Who may sign in to the desk: `[login]`, part of monitor/settings.py."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.section import Section, Span

RoleName = Literal["viewer", "agent", "admin"]


class LoginSettings(Section):
    """Without any of `local`, `slack_client_id` and `oidc_issuer` the desk asks nobody who they are, and only binds to
    loopback. See docs/login.md."""

    local: bool = Field(False, description="people made with `firsthour users add` sign in with a password")
    slack_client_id: str | None = Field(None, description="Sign in with Slack: the app's client id")
    slack_client_secret: SecretStr | None = Field(
        None, description="and its secret, better by FIRSTHOUR_LOGIN__SLACK_CLIENT_SECRET"
    )
    slack_workspaces: list[str] = Field(
        default_factory=list, description="ids (T...) of the workspaces whose members may enter"
    )
    slack_issuer: str = Field("https://slack.com", description="where Sign in with Slack is")
    oidc_issuer: str | None = Field(None, description="another identity provider (OpenID Connect): its issuer")
    oidc_client_id: str | None = Field(None, description="what the provider calls this desk")
    oidc_client_secret: SecretStr | None = Field(
        None, description="and its secret, better by FIRSTHOUR_LOGIN__OIDC_CLIENT_SECRET; none: a public client"
    )
    oidc_name: str = Field("your organisation", min_length=1, max_length=40, description="its name on the button")
    oidc_trust_email: bool = Field(
        False,
        description="take an e-mail address although the provider does not say that it has verified it; only for a "
        "provider in which people cannot choose their address themselves",
    )
    domains: list[str] = Field(
        default_factory=list,
        description='who may enter by the provider: these domains of e-mail addresses; `["*"]`: whoever it lets in',
    )
    default_role: RoleName | Literal["none"] = Field(
        "viewer", description="of those who enter for the first time; `none`: only those in `roles` enter"
    )
    roles: dict[str, RoleName] = Field(
        default_factory=dict, description="role by e-mail address, set again at every sign-in"
    )
    idle: Span = Field(timedelta(hours=12), description="a session ends when it was not used for so long")
    lifetime: Span = Field(timedelta(days=7), description="and at the latest after so long")
    audit_kept: Span = Field(timedelta(days=400), description="lines of the audit log are deleted after so long")

    @field_validator("slack_issuer", "oidc_issuer")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/?#\s@]+(/[^?#\s]*)?", value):
            raise ValueError("write the whole address, such as https://login.acme.example")
        return value

    @field_validator("domains")
    @classmethod
    def _domains(cls, value: list[str]) -> list[str]:
        for domain in value:
            if domain != "*" and not re.fullmatch(r"[\w-]+(\.[\w-]+)+", domain):
                raise ValueError(f'"{domain}" is no domain: write "acme.example", without @')
        return [domain.lower() for domain in value]

    @field_validator("roles")
    @classmethod
    def _addresses(cls, value: dict[str, RoleName]) -> dict[str, RoleName]:
        for address in value:
            if address.count("@") != 1:
                raise ValueError(f'"{address}" is no e-mail address')
        return {address.strip().casefold(): role for address, role in value.items()}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.slack_client_id is not None:
            if self.slack_client_secret is None:
                raise ValueError("slack_client_secret is missing: FIRSTHOUR_LOGIN__SLACK_CLIENT_SECRET sets it")
            if not self.slack_workspaces:
                raise ValueError("slack_workspaces is missing: without it anybody with a Slack account could enter")
        if self.oidc_issuer is not None:
            if self.oidc_client_id is None:
                raise ValueError("oidc_client_id is missing: the provider gives it when you register the desk there")
            if not self.domains and not self.roles:
                raise ValueError('domains is missing: who may enter, or ["*"] for whoever the provider lets in')
        return self

    @property
    def on(self) -> bool:
        return self.local or self.slack_client_id is not None or self.oidc_issuer is not None
