"""Tokens: what programs call the interface with. Shown once, stored as a hash; the first letters tell them apart."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from monitor.access.audit import By, record
from monitor.access.roles import SCOPES
from monitor.access.rows import TokenRow
from monitor.access.sessions import digest
from monitor.database import Database
from monitor.errors import Refused
from monitor.storable import storable

BEGINS = "fh_"  # so that those who look for leaked secrets know one
PREFIX = 9  # characters that stay visible
USE_NOTED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def state(self, now: datetime) -> str:
        """valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


class Tokens:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(
        self, name: str, scopes: Collection[str], by: By, now: datetime, lasts: timedelta | None = None
    ) -> tuple[Token, str]:
        """A new token and its secret, which nobody sees again. Raises Refused where the name is taken."""
        shown = " ".join(storable(name).split())
        if not 1 <= len(shown) <= 60:
            raise Refused("a token's name has 1 to 60 characters: say what it is for")
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise Refused(f"there is no scope {unknown[0]}: one of {', '.join(SCOPES)}")
        if not scopes:
            raise Refused(f"a token without scopes opens nothing: one of {', '.join(SCOPES)}")
        secret = f"{BEGINS}{secrets.token_hex(3)}_{secrets.token_urlsafe(32)}"
        row = TokenRow(name=shown, prefix=secret[:PREFIX], token=digest(secret), scopes=sorted(set(scopes)))
        row.created_at, row.created_by = now, storable(by.actor, 100)
        row.expires_at = now + lasts if lasts is not None else None
        with self._db.write() as session:
            if session.scalar(select(TokenRow.id).where(TokenRow.name == shown)) is not None:
                raise Refused(f"there is a token called {shown} already, maybe revoked: take another name")
            session.add(row)
            record(session, "token_added", by, now, token=shown, prefix=row.prefix, scopes=row.scopes)
        return _token(row), secret

    def all(self) -> Sequence[Token]:
        with self._db.read() as session:
            return [_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.name))]

    def revoke(self, name: str, by: By, now: datetime) -> Token:
        """From now on it opens nothing. `name` may be its visible letters. Raises Refused where there is none."""
        with self._db.write() as session:
            either = or_(TokenRow.name == name, TokenRow.prefix == name)
            row = session.scalars(select(TokenRow).where(either)).first()
            if row is None:
                raise Refused(f"there is no token called {name}")
            if row.revoked_at is None:
                row.revoked_at = now
                record(session, "token_revoked", by, now, token=row.name, prefix=row.prefix)
            return _token(row)

    def find(self, secret: str, now: datetime) -> Token | None:
        """The valid token whose secret this is; its use is noted."""
        with self._db.read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.token == digest(secret)))
        if row is None or _token(row).state(now) != "valid":
            return None
        if row.used_at is None or now - row.used_at >= USE_NOTED:
            with self._db.write() as session:
                session.execute(update(TokenRow).where(TokenRow.id == row.id).values(used_at=now))
        return _token(row)


def _token(row: TokenRow) -> Token:
    return Token(
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
