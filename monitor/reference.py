"""docs/settings.md, made from the settings themselves."""

from __future__ import annotations

import types
from datetime import timedelta
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from monitor.digest_settings import DigestSettings, MailSettings
from monitor.login_settings import LoginSettings
from monitor.reply_settings import ApprovalSettings
from monitor.settings import PolicySettings, Settings, duration_text
from monitor.sources import source_class
from monitor.sources import types as source_types
from monitor.team_settings import OncallSettings, OpsSettings, RouteSettings, VipSettings

INTRODUCTION = """# Settings

One TOML file (`--config FILE` or `FIRSTHOUR_CONFIG`), over which the environment is laid: `FIRSTHOUR_SLACK__BOT_TOKEN`
sets `bot_token` of `[slack]`, `FIRSTHOUR_SLACK__BOT_TOKEN_FILE` reads it from a file, and
`FIRSTHOUR_SOURCES__MY_SHOP__API_KEY` sets `api_key` of the source named `my-shop`. A key that does not exist is
refused, and all mistakes are listed at once. Durations are written `"45s"`, `"20m"`, `"1h"`, `"30d"`.

This page is made by `firsthour settings`.
"""
REPEATED = {"brands", "sources", "oncall", "templates", "digests"}
EXPLAINED = (
    ApprovalSettings,
    DigestSettings,
    LoginSettings,
    MailSettings,
    PolicySettings,
    RouteSettings,
    OncallSettings,
    OpsSettings,
    VipSettings,
)  # whose docstring is part of the page


def markdown() -> str:
    """Every section, every key, and the keys of every type of source."""
    parts = [INTRODUCTION]
    for name, field in Settings.model_fields.items():
        model = _model(field.annotation)
        parts.append(f"## `[[{name}]]`\n" if name in REPEATED else f"## `[{name}]`\n")
        parts.append(_purpose(model) + _table(model))
        for key, inner in model.model_fields.items():
            nested = _model(inner.annotation)
            if nested is not None and get_origin(inner.annotation) is list:
                parts.append(f"### `[[{name}.{key}]]`\n")
                parts.append(_purpose(nested) + _table(nested))
    parts.append("## Keys of each type of source\n")
    for kind in sorted(source_types()):
        options: Any = source_class(kind).Options  # type: ignore[attr-defined]
        parts.append(f'### `type = "{kind}"`\n')
        parts.append(_table(options) if options.model_fields else "No keys of its own.\n")
    return "\n".join(parts)


def _purpose(model: type[BaseModel]) -> str:
    return f"{model.__doc__.strip()}\n\n" if model in EXPLAINED and model.__doc__ else ""


def _table(model: Any) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {meaning} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None else f"`{_text(value)}`"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f'"{duration_text(value)}"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(_text(v) for v in value) + "]"
    if isinstance(value, BaseModel):
        return "{" + ", ".join(f"{k} = {_text(v)}" for k, v in value if v is not None) + "}"
    return "{}" if value == {} else str(value)


def _type(annotation: Any) -> str:
    """A type as people call it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_type(a) for a in inner if a is not type(None))
    if origin is Literal:
        return ", ".join(f'`"{a}"`' for a in inner)
    if origin in (list, tuple, set, frozenset):
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        timedelta: "duration",
        SecretStr: "secret",
    }
    return names.get(annotation, getattr(annotation, "__name__", "text").lower())


def _model(annotation: Any) -> Any:
    """The settings class in an annotation, if there is one."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for a in get_args(annotation) if (found := _model(a)) is not None), None)
