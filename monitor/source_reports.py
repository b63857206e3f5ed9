"""What polls bring, and what others are told of sources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy.orm import Session

from monitor.account import Account
from monitor.aftermath import StoreListener
from monitor.mentions import Stored


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What the operator is told of a source: it has been failing for a while, its polls were stopped until the
    configuration changes, or it works again. `since` is when it began to fail."""

    source: str
    state: Literal["failing", "stopped", "recovered"]
    since: datetime
    at: datetime
    failures: int
    error: str | None


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """What the operator is told of a budget, once a day each: its sources are polled more seldom so that it lasts, or
    it is spent and they wait for its reset."""

    sources: tuple[str, ...]
    state: Literal["spread", "spent"]
    account: Account
    at: datetime


class CollectListener(StoreListener, Protocol):
    def source_report(self, session: Session, report: SourceReport) -> None: ...

    def budget_report(self, session: Session, report: BudgetReport) -> None: ...


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll brought."""

    source: str
    pages: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    unmatched: int = 0
    rejected: int = 0

    def plus(self, stored: Stored) -> PollResult:
        return replace(
            self,
            pages=self.pages + 1,
            new=self.new + stored.new,
            changed=self.changed + stored.changed,
            removed=self.removed + stored.removed,
            unmatched=self.unmatched + stored.unmatched,
            rejected=self.rejected + stored.rejected,
        )

    @property
    def work(self) -> int:
        """How many mentions wait for the next stage because of this poll."""
        return self.new + self.changed + self.removed
