"""What is spent of each budget, in the database: it survives restarts, and all processes count together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor.account import Account
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import BudgetSpent
from monitor.models import BudgetDayRow
from monitor.sources.base import Source
from monitor.sources.budget import Budget

KEPT = timedelta(days=400)


def budgets_of(source: Source) -> tuple[Budget, ...]:
    """What the source spends of; none for one that spends nothing."""
    return tuple(getattr(source, "budgets", ()))


def accounts(session: Session, budgets: Iterable[Budget], now: datetime) -> dict[Budget, Account]:
    """How each of the budgets stands."""
    return {budget: _account(budget, session.scalar(_latest(budget, now)), now) for budget in budgets}


def news(session: Session, account: Account, now: datetime, interval: timedelta) -> Literal["spread", "spent"] | None:
    """What the operator has to hear of a budget and has not heard today: that polls have to wait for it for longer than
    their `interval`, or until its reset for longer than an hour: one that was spread out is spent just before that, as
    it should. Whoever is told so here has to tell it on, in this write transaction."""
    opens, budget = account.open_at(), account.budget
    spent = opens == account.resets_at
    if opens <= now + (max(interval, timedelta(hours=1)) if spent else interval):
        return None
    told = BudgetDayRow.spent_told_at if spent else BudgetDayRow.spread_told_at
    mine = (BudgetDayRow.owner == budget.owner, BudgetDayRow.name == budget.name, BudgetDayRow.day == budget.day(now))
    first = session.execute(update(BudgetDayRow).where(*mine, told.is_(None)).values({told: now}))
    return ("spent" if spent else "spread") if first.rowcount == 1 else None  # type: ignore[attr-defined]


class StoredMeter:
    """The meter of one source. Each count is committed at once, before the call where its cost is known by then: a
    process that dies forgets nothing that it spent, save the last answer of a service that bills by what it returns."""

    def __init__(self, db: Database, clock: Clock, source: str, budgets: Sequence[Budget]) -> None:
        self._db, self._clock, self._source = db, clock, source
        self._budgets = {budget.name: budget for budget in budgets}

    def reserve(self, **costs: float) -> None:
        self._count(costs, refuse=True)

    def spend(self, **costs: float) -> None:
        self._count(costs, refuse=False)

    def left(self, name: str) -> float:
        if name not in self._budgets:
            return float("inf")
        with self._db.read() as session:
            (account,) = accounts(session, [self._budgets[name]], self._clock.now()).values()
        return account.left

    def _count(self, costs: dict[str, float], refuse: bool) -> None:
        now = self._clock.now()
        counted = sorted((name, cost) for name, cost in costs.items() if name in self._budgets and cost)
        if not counted:
            return
        with self._db.write() as session:
            for name, cost in counted:  # in the order of names, so that two who count never wait for each other
                account = _charge(session, self._budgets[name], cost, now)
                if refuse and account.budget.daily is not None and account.spent > account.budget.daily:
                    raise BudgetSpent(
                        f"sources.{self._source}: the budget of {account.budget.daily:,.12g} {name} a day is spent "
                        f"until {account.resets_at:%H:%M} UTC",
                        account.resets_at - now,
                    )


def _charge(session: Session, budget: Budget, cost: float, now: datetime) -> Account:
    """Count `cost`, in a write transaction; how the budget stands then."""
    row = session.scalar(_latest(budget, now).with_for_update())
    if row is None or row.day != budget.day(now):
        row = _new_day(session, _account(budget, row, now), now)
    after = _account(budget, row, now).charged(cost, now)
    row.spent, row.weight, row.weighed_at = after.spent, after.weight, after.weighed_at
    session.flush()
    return after


def _new_day(session: Session, account: Account, now: datetime) -> BudgetDayRow:
    """The day's row, ours or that of whoever was first."""
    budget = account.budget
    made: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    begun = {"spent": 0.0, "weight": account.weight, "weighed_at": account.weighed_at, "since": account.since}
    row = made(BudgetDayRow).values(owner=budget.owner, name=budget.name, day=budget.day(now), **begun)
    session.execute(row.on_conflict_do_nothing())
    session.execute(delete(BudgetDayRow).where(BudgetDayRow.day < budget.day(now - KEPT)))
    return session.scalars(_latest(budget, now).with_for_update()).one()


def _latest(budget: Budget, now: datetime) -> Select[BudgetDayRow]:
    """The row of today, else that of the last day on which anything was spent."""
    mine = (BudgetDayRow.owner == budget.owner, BudgetDayRow.name == budget.name, BudgetDayRow.day <= budget.day(now))
    return select(BudgetDayRow).where(*mine).order_by(BudgetDayRow.day.desc()).limit(1)


def _account(budget: Budget, row: BudgetDayRow | None, now: datetime) -> Account:
    day = (budget, budget.began_at(now), budget.resets_at(now))
    if row is None:
        return Account(*day, spent=0.0, weight=0.0, weighed_at=now, since=now)
    spent = row.spent if row.day == budget.day(now) else 0.0
    return Account(*day, spent, row.weight, row.weighed_at, row.since)
