"""Which sources share a service's patience, and until when a service asked to be left alone.

A service counts calls by credential: sources with the same secret share its rate limit. Where there is no secret it
counts by the caller's address: sources on the same host do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor.models import RestRow
from monitor.settings import SourceSettings
from monitor.sources import source_class


def shared_keys(settings: SourceSettings) -> frozenset[str]:
    """What the source may share with others: `secret:...` for each of its secrets, else `host:...` for each host."""
    options: type[BaseModel] = source_class(settings.type).Options  # type: ignore[attr-defined]
    given = {name: settings.options.get(name, field.default) for name, field in options.model_fields.items()}
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    secrets = [texts[name] for name in texts if _secret(options.model_fields[name].annotation)]
    if secrets:
        return frozenset(f"secret:{hashlib.sha256(secret.encode()).hexdigest()[:16]}" for secret in secrets)
    hosts = {urlsplit(text).hostname for text in texts.values() if text.startswith(("http://", "https://"))}
    return frozenset(f"host:{host}"[:100] for host in hosts if host)


def _secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def rest(session: Session, keys: Iterable[str], until: datetime) -> None:
    """Nobody who shares one of `keys` is to be polled before `until`."""
    make: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for key in sorted(keys):
        row = make(RestRow).values(key=key, until=until)
        later = {"set_": {"until": row.excluded.until}, "where": RestRow.until < row.excluded.until}
        session.execute(row.on_conflict_do_update(index_elements=["key"], **later))


def resting(session: Session) -> Mapping[str, datetime]:
    """Until when each key rests, as far as anybody asked for it; in the past: it does no more."""
    return {row.key: row.until for row in session.scalars(select(RestRow))}
