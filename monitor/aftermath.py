"""What follows from what was stored: a case was answered, has spread, or has lost words that its source took away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from monitor.brands import Brands
from monitor.mentions import Stored
from monitor.replies import answered
from monitor.sources.base import SeenReply
from monitor.spread import Spread


class StoreListener(Protocol):
    """Each is called inside the transaction that stores what it is told about."""

    def reply_seen(self, session: Session, case_id: int, reply: SeenReply) -> None: ...

    def spread_grew(self, session: Session, spread: Spread, now: datetime) -> None: ...

    def words_gone(self, session: Session, case_id: int, mention_id: int, now: datetime) -> None: ...


def pass_on(
    session: Session, stored: Stored, brands: Brands, listeners: Sequence[StoreListener], now: datetime
) -> None:
    """Tell `listeners` what follows from `stored`, in the transaction that stored it."""
    for case_id, reply in answered(session, stored.own, brands):
        for listener in listeners:
            listener.reply_seen(session, case_id, reply)
    for spread in stored.spread:
        for listener in listeners if spread.news else ():
            listener.spread_grew(session, spread, now)
    for mention_id, case_id in stored.gone:
        for listener in listeners:
            listener.words_gone(session, case_id, mention_id, now)
