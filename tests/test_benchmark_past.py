"""The past that benchmarks ask about is one that the service could have left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select, text

from benchmarks import past as benchmark
from monitor import recount, word_index
from monitor.database import Database
from monitor.models import CaseRow, MentionRow

COUNT = 600
_WORDS = {
    "sqlite": "SELECT rowid, words FROM mention_words ORDER BY rowid",
    "postgresql": "SELECT id, CAST(words AS TEXT) FROM mention_words ORDER BY id",
}


def indexed(db: Database) -> Sequence[Any]:
    with db.read() as session:
        return session.execute(text(_WORDS[db.dialect])).all()


def test_what_the_database_makes_by_itself_is_as_the_service_would_store_it(
    any_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "CHUNK", 200)
    monkeypatch.setattr(benchmark, "TIMED", 100)
    assert len(list(benchmark.make(any_db, COUNT))) == 4
    assert recount.check(any_db) == 0
    quickly = indexed(any_db)
    with any_db.write() as session:
        word_index.put(session, [(id, said) for id, said in session.execute(select(MentionRow.id, MentionRow.text))])
        begun = session.execute(select(CaseRow.mention_id, CaseRow.id).order_by(CaseRow.id)).all()
        m = MentionRow
        belong = session.execute(select(m.id, m.case_id).where(m.case_id.is_not(None)).order_by(m.case_id)).all()
    assert indexed(any_db) == quickly
    assert len(quickly) == COUNT
    assert belong == begun
    assert COUNT // 20 < len(begun) < COUNT // 5
