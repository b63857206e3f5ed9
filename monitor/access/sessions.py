"""Sessions: what a browser shows after somebody signed in with it. The database keeps a hash of it alone.

A session ends when it was not used for `idle`, at the latest `lifetime` after it began, when its person signs out, is
disabled, or changes their password.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from monitor.access.audit import By, record
from monitor.access.rows import SessionRow, UserRow
from monitor.access.users import User, user_of
from monitor.database import Database

USE_NOTED = timedelta(minutes=1)  # how exactly the last use is kept
REMEMBERED = timedelta(days=7)  # how long after its end a session is known


@dataclass(frozen=True, slots=True)
class WebSession:
    """`live` is false where it only grew old: its person is known, and allowed nothing."""

    id: int
    user: User
    live: bool
    begun_at: datetime
    seen_at: datetime
    address: str | None
    browser: str | None


class Sessions:
    def __init__(self, db: Database, idle: timedelta, lifetime: timedelta) -> None:
        self._db, self._idle, self._lifetime = db, idle, lifetime

    def begin(
        self,
        user: User,
        by: By,
        browser: str | None,
        now: datetime,
        instead_of: str | None = None,
        how: str = "password",
    ) -> str:
        """A new session for `user`, who has just proved (`how`) who they are; returns what the browser shows from now
        on. `instead_of` is what it showed before: that ends."""
        token = secrets.token_urlsafe(32)
        with self._db.write() as session:
            if instead_of is not None:
                before = session.scalar(select(SessionRow).where(SessionRow.token == digest(instead_of)))
                if before is not None and (self._live(before, now) or before.user_id != user.id):
                    before.ended_at = before.ended_at or now
            row = SessionRow(token=digest(token), user_id=user.id, begun_at=now, seen_at=now, address=by.address)
            row.browser = browser[:200] if browser else None
            session.add(row)
            session.execute(update(UserRow).where(UserRow.id == user.id).values(seen_at=now))
            record(session, "signed_in", by, now, how=how)
        return token

    def find(self, token: str, now: datetime) -> WebSession | None:
        """The session that a browser shows; None if there is none, or somebody ended it."""
        query = select(SessionRow, UserRow).join(UserRow, UserRow.id == SessionRow.user_id)
        with self._db.read() as session:
            found = session.execute(query.where(SessionRow.token == digest(token))).one_or_none()
        if found is None or found[0].ended_at is not None or found[1].disabled_at is not None:
            return None
        return self._session(found[0], found[1], now)

    def used(self, found: WebSession, now: datetime) -> None:
        """Note that the session is in use."""
        if now - found.seen_at < USE_NOTED:
            return
        with self._db.write() as session:
            session.execute(update(SessionRow).where(SessionRow.id == found.id).values(seen_at=now))
            session.execute(update(UserRow).where(UserRow.id == found.user.id).values(seen_at=now))

    def of(self, user: User, now: datetime) -> Sequence[WebSession]:
        """The sessions of a person that still hold, the latest used first."""
        query = select(SessionRow).where(SessionRow.user_id == user.id, SessionRow.ended_at.is_(None))
        with self._db.read() as session:
            rows = session.scalars(query.order_by(SessionRow.seen_at.desc(), SessionRow.id.desc()))
            row_of_user = session.get_one(UserRow, user.id)
            each = [self._session(row, row_of_user, now) for row in rows]
        return [one for one in each if one.live]

    def end(self, found: WebSession, by: By, now: datetime) -> None:
        """Sign out."""
        with self._db.write() as session:
            session.execute(update(SessionRow).where(SessionRow.id == found.id).values(ended_at=now))
            record(session, "signed_out", by, now)

    def end_of(self, user: User, by: By, now: datetime, only: int | None = None, but: int | None = None) -> int:
        """End sessions of a person: `only` that one, or all `but` one; returns how many there were."""
        theirs = update(SessionRow).where(SessionRow.user_id == user.id, SessionRow.ended_at.is_(None))
        if only is not None:
            theirs = theirs.where(SessionRow.id == only)
        if but is not None:
            theirs = theirs.where(SessionRow.id != but)
        with self._db.write() as session:
            count = int(session.execute(theirs.values(ended_at=now)).rowcount)  # type: ignore[attr-defined]
            if count:
                record(session, "session_ended", by, now, user=user.name, sessions=count)
        return count

    def forget(self, now: datetime) -> None:
        """Delete sessions that ended long ago."""
        old, unused = now - self._lifetime - REMEMBERED, now - self._idle - REMEMBERED
        over = or_(SessionRow.begun_at < old, SessionRow.seen_at < unused, SessionRow.ended_at < now - REMEMBERED)
        with self._db.write() as session:
            session.execute(delete(SessionRow).where(over))

    def knows_form(self, found: WebSession, given: str) -> bool:
        """Whether a form was made for this session, or for one of the same person that grew old while the form was
        filled in. One that somebody signed out of does not count."""
        query = select(SessionRow.token).where(SessionRow.user_id == found.user.id, SessionRow.ended_at.is_(None))
        with self._db.read() as session:
            known = [_form(stored).encode() for stored in session.scalars(query)]
        return any(hmac.compare_digest(each, given.encode("utf-8", "replace")) for each in known)

    def _live(self, row: SessionRow, now: datetime) -> bool:
        return row.ended_at is None and now < row.begun_at + self._lifetime and now < row.seen_at + self._idle

    def _session(self, row: SessionRow, user: UserRow, now: datetime) -> WebSession:
        return WebSession(
            row.id, user_of(user), self._live(row, now), row.begun_at, row.seen_at, row.address, row.browser
        )


def digest(secret: str) -> str:
    """What is stored of a secret that nobody can guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def csrf_of(token: str) -> str:
    """What the forms of a session carry: known to its own pages alone, and of no other use."""
    return _form(digest(token))


def _form(stored: str) -> str:
    return hashlib.sha256(f"firsthour form {stored}".encode()).hexdigest()
