"""The tables of people and what lets them in, part of monitor/models.py. Secrets are stored as hashes alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.rows import Base


class UserRow(Base):
    """A person. `key` is the name folded, so that no two are called alike."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    subject: Mapped[str | None] = mapped_column(String(400), unique=True)  # whom an identity provider means
    password: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser that somebody signed in with. Kept for a while after its end, so that a text sent too late finds its
    writer."""

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    begun_at: Mapped[datetime] = mapped_column(index=True)
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # signed out; one that only grew old has none
    address: Mapped[str | None] = mapped_column(String(45))
    browser: Mapped[str | None] = mapped_column(String(200))
    # what was sent after it had grown old, by form: monitor/access/unsent.py
    unsent: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class AttemptRow(Base):
    """Sign-ins that failed of late. `who` is the hash of an account or of an address: compared, never read."""

    __tablename__ = "login_attempts"
    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    blocked_until: Mapped[datetime | None]


class TokenRow(Base):
    """What a program calls the interface with."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    prefix: Mapped[str] = mapped_column(String(12))
    token: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class AuditRow(Base):
    """One line of the audit log. What is done to cases is in their own history."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    actor: Mapped[str] = mapped_column(String(100))
    address: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[dict[str, Any]]
    __table_args__ = (Index("ix_audit_at", "at", "id"),)
