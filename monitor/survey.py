"""One question to the customer after a case was closed: how satisfied are you with our help, 1 to 5.

The link holds the case, the day on which it was given, and a signature over both, so that nothing has to be stored
until somebody answers and nobody can guess another's. Who has the link can answer; it may be changed for an hour.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.cases import Case, Cases
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseRow
from monitor.settings import Settings

SCORES = (1, 2, 3, 4, 5)
LOW = 3  # a lower score than this is told to the owner
CHANGEABLE = timedelta(hours=1)
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"([0-9a-z]{1,13})\.([0-9a-z]{1,4})\.([\w-]{22})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page shows. `changeable_until` is None where there is no answer yet, or where it stands for good."""

    brand: str
    language: str
    words: str  # the customer's own, to tell their script
    score: int | None
    changeable_until: datetime | None

    @property
    def open(self) -> bool:
        return self.score is None or self.changeable_until is not None


class Survey:
    def __init__(self, db: Database, cases: Cases, settings: Settings) -> None:
        after = settings.after
        self._db, self._cases, self._valid = db, cases, after.survey_valid
        self._secret = after.survey_secret.get_secret_value().encode() if after.survey_secret else None
        self._base = settings.web.public_url if after.survey else None

    @property
    def on(self) -> bool:
        return self._secret is not None and self._base is not None

    def link(self, case_id: int, now: datetime) -> str | None:
        """The address for the customer of this case; None where there can be none."""
        return f"{self._base}/s/{self.token(case_id, now)}" if self.on else None

    def token(self, case_id: int, now: datetime) -> str:
        signed = f"{_base36(case_id)}.{_base36((now - _EPOCH).days)}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str, now: datetime) -> int | None:
        """The case that a token stands for; None if it is not ours or too old."""
        found = _SHAPE.fullmatch(token)
        if found is None or self._secret is None:
            return None
        signed = f"{found[1]}.{found[2]}"
        if not hmac.compare_digest(self._signature(signed), found[3]):
            return None
        given = _EPOCH + timedelta(days=int(found[2], 36))
        # it counts from the end of the day on which it was given
        return int(found[1], 36) if now <= given + timedelta(days=1) + self._valid else None

    def look(self, case_id: int, now: datetime) -> Answer | None:
        """What was answered so far; None if there is no such case any more."""
        with self._db.read() as session:
            row = session.get(CaseRow, case_id)
            return None if row is None else _answer(row, self._cases.get(session, case_id), now)

    def answer(self, case_id: int, score: int, now: datetime) -> Answer:
        """Store an answer. The same one again changes nothing. Raises Refused where another stands for good."""
        if score not in SCORES:
            raise Refused("an answer is a number from 1 to 5")
        with self._db.write() as session:
            row = session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
            if row is None:
                raise Refused(f"there is no case {case_id}")
            before = row.satisfaction
            if before == score:
                return _answer(row, self._cases.get(session, case_id), now)
            if before is not None and not _answer(row, self._cases.get(session, case_id), now).open:
                raise Refused("the answer was given more than an hour ago and stands")
            actor = row.author or "the customer"
            change = self._cases.act_in(
                session, case_id, "rated", actor, "survey", now, score=score, low=score < LOW or None, before=before
            )
            return _answer(row, change.case, now)

    def _signature(self, signed: str) -> str:
        if self._secret is None:
            raise ValueError("after.survey_secret is not set")
        digest = hmac.digest(self._secret, b"firsthour survey " + signed.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _answer(row: CaseRow, case: Case, now: datetime) -> Answer:
    until = row.satisfaction_at + CHANGEABLE if row.satisfaction_at is not None else None
    return Answer(
        brand=case.brand,
        language=case.language,
        words=case.text,
        score=case.satisfaction,
        changeable_until=until if until is not None and now <= until else None,
    )


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
