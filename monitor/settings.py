"""All settings, typed, with their help texts: one table from which `firsthour check` and docs/settings.md are made.

Read from a TOML file, then from the environment (`FIRSTHOUR_SLACK__BOT_TOKEN`), then from files named in the
environment (`FIRSTHOUR_SLACK__BOT_TOKEN_FILE`). Unknown keys are refused, and every mistake is listed at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from monitor.after_settings import AfterSettings, AutoAckSettings
from monitor.brand_settings import AuthorsSettings
from monitor.brand_settings import BrandSettings as BrandSettings
from monitor.digest_settings import DigestSettings, MailSettings
from monitor.errors import ConfigurationError
from monitor.login_settings import LoginSettings
from monitor.mistakes import BadSettings as BadSettings
from monitor.mistakes import (
    mistake,
    readable,
    tables,
    wrong_bind,
    wrong_brands,
    wrong_digests,
    wrong_names,
    wrong_routes,
    wrong_sources,
)
from monitor.reply_settings import RepliesSettings, TemplateSettings
from monitor.retention_settings import RetentionSettings
from monitor.section import Duration as Duration
from monitor.section import Section as Section
from monitor.section import Span as Span
from monitor.section import Zone
from monitor.section import duration as duration
from monitor.section import duration_text as duration_text
from monitor.source_settings import SourceSettings as SourceSettings
from monitor.spike_settings import SpikesSettings
from monitor.storm_settings import StormsSettings
from monitor.team_settings import (
    OncallSettings,
    OpsSettings,
    RouteSettings,
    VipSettings,
    holdable,
    known_severities,
    quiet_windows,
)
from monitor.web_settings import WebSettings

PREFIX = "FIRSTHOUR_"


class DatabaseSettings(Section):
    url: str = Field(
        "sqlite:///firsthour.sqlite", description="`sqlite:////absolute/path` or `postgresql+psycopg://user@host/name`"
    )

    @field_validator("url")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.partition(":")[0] not in ("sqlite", "postgresql", "postgresql+psycopg") or ":/" not in value:
            raise ValueError("write sqlite:////absolute/path or postgresql+psycopg://user@host/name")
        return value


class ClassifierSettings(Section):
    model: str = Field(
        "embedded", description='`"embedded"`, a local directory, or a Hugging Face id (needs the `torch` extra)'
    )
    complaint_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="complaint probability from which a mention is a complaint; default: the model's own",
    )
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="for other models: their labels to negative, neutral, positive, complaint, none",
    )
    learned: str = Field(
        "firsthour.learned.json",
        description="where `firsthour learn` keeps what the corrections taught; the same file for every process",
    )
    batch: int = Field(128, ge=1, le=1024, description="mentions judged at a time")
    threads: int = Field(2, ge=1, le=64, description="CPU threads of the model")


class SlackSettings(Section):
    channel: str | None = Field(None, description="channel id for alerts, C0123...; none: alerts go to the console")
    ops_channel: str | None = Field(None, description="channel id for the operator's messages; default: `channel`")
    bot_token: SecretStr | None = Field(None, description="xoxb-..., better by FIRSTHOUR_SLACK__BOT_TOKEN")
    app_token: SecretStr | None = Field(None, description="xapp-... for Socket Mode (the buttons)")
    base_url: str = Field("https://slack.com/api/", description="with the SDK's /api/ at the end")
    oncall: str | None = Field(
        None, description="user group (S...) or user (U...) on call whenever [[oncall]] names nobody"
    )
    lead: str | None = Field(None, description="user (U...) or channel (C...) told at a breach")
    agents: list[str] = Field(
        default_factory=list,
        description="users (U...) and user groups (S...) who may act on cases; none: everybody who sees them",
    )
    summary_after: Span = Field(
        timedelta(minutes=10),
        description="Slack away for longer than this: one summary when it is back, in place of the reminders missed",
    )
    routes: list[RouteSettings] = Field(
        default_factory=list, description="other channels for some cases; the first that fits is taken"
    )

    quiet: list[str] = Field(
        default_factory=list,
        description='windows such as "mon-fri 20:00-08:00", in the `timezone` of [clock], in which alerts of '
        "`quiet_severities` are held back; they come together at its end. Clocks run on",
    )
    quiet_severities: list[str] = Field(
        default_factory=lambda: ["low"], description="held back in `quiet`: low, medium; never high or critical"
    )

    _quiet = field_validator("quiet")(quiet_windows)
    _holdable = field_validator("quiet_severities")(holdable)

    @field_validator("base_url")
    @classmethod
    def _web(cls, value: str) -> str:
        if not re.match(r"https?://[^/]", value):
            raise ValueError("write the whole address, such as https://slack.com/api/")
        return value


class StepSettings(Section):
    at: Duration = Field(description="offset on the clock, in business time where there are hours")
    notify: str = Field(description="`thread`, `oncall`, `lead`, `channel`, or an Apprise URL")

    @field_validator("notify")
    @classmethod
    def _known(cls, value: str) -> str:
        if value in ("thread", "oncall", "lead", "channel") or "://" in value:
            return value
        raise ValueError("one of thread, oncall, lead, channel, or an Apprise URL such as mailto://...")


class ClockRules(Section):
    """What `[clock]` sets for all cases and each of `[[clock.policies]]` may set for some."""

    target: Span | None = Field(None, description="as in [clock]; none: the same as there")
    hours: list[str] | None = Field(None, description="as in [clock]; none: the same as there, []: 24/7")
    timezone: Zone | None = Field(None, description="as in [clock]; none: the same as there")
    holidays: list[str] | None = Field(None, description="as in [clock]; none: the same as there")
    steps: list[StepSettings] | None = Field(None, description="as in [clock]; none: the same as there")

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: list[str] | None) -> list[str] | None:
        from monitor.sla import windows

        windows(value or [])
        return value

    @field_validator("holidays")
    @classmethod
    def _holidays(cls, value: list[str] | None) -> list[str] | None:
        from monitor.sla import holiday_calendar

        holiday_calendar(value or [])
        return value


class PolicySettings(ClockRules):
    """The first policy of which every given condition holds is the case's."""

    name: str = Field(description="shown with the case's clock")
    source: list[str] = Field(default_factory=list, description="condition: one of these sources; none: any")
    brand: list[str] = Field(default_factory=list, description="condition: one of these brands; none: any")
    severity: list[str] = Field(default_factory=list, description="condition: low, medium, high, critical; none: any")
    language: list[str] = Field(default_factory=list, description='condition: ISO 639-1 codes such as "et"; none: any')
    rating_at_most: float | None = Field(None, description="condition: a review with so few stars or fewer")
    followers_at_least: int | None = Field(None, description="condition: an author with so many followers or more")

    _severities = field_validator("severity")(known_severities)


class ClockSettings(ClockRules):
    starts: Literal["posted", "seen"] = Field("posted", description="when the clock starts")
    timezone: Zone = Field("UTC", description="IANA time zone of `hours` and `holidays`")
    hours: list[str] = Field(default_factory=list, description='windows such as "mon-fri 09:00-17:00"; none: 24/7')
    target: Span = Field(timedelta(hours=1), description="time to the first response")
    holidays: list[str] = Field(
        default_factory=list, description='country codes of the holidays package ("EE", "US-CA") and dates'
    )
    ignore_older_than: Duration = Field(
        timedelta(hours=24), description="a mention older than this at first sight starts no clock"
    )
    steps: list[StepSettings] = Field(
        default_factory=lambda: [
            StepSettings(at=timedelta(minutes=20), notify="thread"),
            StepSettings(at=timedelta(minutes=45), notify="oncall"),
            StepSettings(at=timedelta(minutes=60), notify="lead"),
        ],
        description="what happens at which offset while nobody has replied",
    )
    renag: Span = Field(timedelta(minutes=15), description="after the last step, until somebody takes the case")
    silent_owner: Span = Field(
        timedelta(minutes=45), description="an owner who has not replied for so long loses the case back to the group"
    )
    policies: list[PolicySettings] = Field(
        default_factory=list, description="other rules for some cases; the first that fits is taken"
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class CasesSettings(Section):
    join_within: Duration = Field(
        timedelta(hours=24), description="further words of the same author on the same source join the open case"
    )


class EngineSettings(Section):
    kind: Literal["embedded", "celery"] = Field("embedded", description="threads of this process, or Celery workers")
    broker: str | None = Field(None, description="Celery's broker URL")


class LogSettings(Section):
    format: Literal["console", "json"] = Field(
        "console", description="lines for people, or JSON for machines; both on stderr"
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")


class Settings(Section):
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings)
    brands: list[BrandSettings] = Field(default_factory=list)
    sources: list[SourceSettings] = Field(default_factory=list)
    slack: SlackSettings = Field(default_factory=SlackSettings)
    clock: ClockSettings = Field(default_factory=ClockSettings)
    oncall: list[OncallSettings] = Field(default_factory=list)
    cases: CasesSettings = Field(default_factory=CasesSettings)
    after: AfterSettings = Field(default_factory=AfterSettings)
    replies: RepliesSettings = Field(default_factory=RepliesSettings)
    templates: list[TemplateSettings] = Field(default_factory=list)
    auto_ack: AutoAckSettings = Field(default_factory=AutoAckSettings)
    storms: StormsSettings = Field(default_factory=StormsSettings)
    spikes: SpikesSettings = Field(default_factory=SpikesSettings)
    digests: list[DigestSettings] = Field(default_factory=list)
    mail: MailSettings = Field(default_factory=MailSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    login: LoginSettings = Field(default_factory=LoginSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    authors: AuthorsSettings = Field(default_factory=AuthorsSettings)
    vip: VipSettings = Field(default_factory=VipSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    ops: OpsSettings = Field(default_factory=OpsSettings)
    log: LogSettings = Field(default_factory=LogSettings)


def load(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the file (None: defaults) and the environment. Raises BadSettings with every mistake found."""
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors begin with a mark
        except FileNotFoundError:
            raise BadSettings([ConfigurationError(str(path), "no such file", "pass --config FILE")]) from None
        except OSError as error:
            raise BadSettings([ConfigurationError(str(path), f"cannot be read: {error.strerror}")]) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSettings([ConfigurationError(str(path), f"not valid TOML: {error}")]) from None
    return parse(raw, environment)


def parse(raw: dict[str, Any], environment: Mapping[str, str]) -> Settings:
    mistakes = _from_environment(raw, environment)
    settings = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        mistakes += [mistake(e, raw, Settings) for e in error.errors()]
    sources, brands = readable(SourceSettings, raw.get("sources")), readable(BrandSettings, raw.get("brands"))
    mistakes += (
        wrong_names(raw, sources)
        + wrong_routes(raw)
        + wrong_digests(raw)
        + wrong_sources(sources)
        + wrong_brands(brands)
    )
    mistakes += wrong_bind(raw)
    if mistakes or settings is None:
        raise BadSettings(mistakes)
    return settings


def _from_environment(raw: dict[str, Any], environment: Mapping[str, str]) -> list[ConfigurationError]:
    """Lay `FIRSTHOUR_SECTION__KEY` over `raw`; a value from a `_FILE` wins. Returns the mistakes."""
    mistakes = []
    for variable, value in sorted(environment.items()):
        path = variable.removeprefix(PREFIX).lower().split("__")
        if not variable.startswith(PREFIX) or len(path) < 2:
            continue
        if path[-1].endswith("_file"):
            path[-1] = path[-1].removesuffix("_file")
            try:
                value = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "it holds no UTF-8 text"
                mistakes.append(ConfigurationError(variable, f"cannot be read: {why}", f"looked for {value}"))
                continue
        at: Any = raw
        if path[0] == "sources" and len(path) == 3:  # FIRSTHOUR_SOURCES__NAME__KEY
            named = (s for s in tables(raw.get("sources")) if _variable(s.get("name")) == path[1])
            at = next(named, None)
            if at is None:
                mistakes.append(ConfigurationError(variable, f'there is no source named "{path[1]}"'))
                continue
        else:
            for part in path[:-1]:
                at = at.setdefault(part, {}) if isinstance(at, dict) else None
        if not isinstance(at, dict):
            mistakes.append(ConfigurationError(variable, "there is no such setting"))
            continue
        at[path[-1]] = value
    return mistakes


def _variable(name: object) -> str:
    """A source's name as a variable of the environment has it."""
    return str(name).lower().replace("-", "_")
