from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, text, update
from typer.testing import CliRunner

from monitor.alerts.redact import redact
from monitor.author_records import erase, export
from monitor.cases import Cases
from monitor.cli import app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import Base, CaseEventRow, CaseRow, DeliveryRow, MentionRow, RejectRow, ReplyRow, RevisionRow
from monitor.schema import upgrade
from monitor.settings import Settings
from tests.stored import complain

SETTINGS = Settings()
SECRETS = ("my parcel to Elm Street", "AnnOfElmStreet", "Ann Elm", "first words", "dear Ann", "x.com/ann", "about Ann")


def tell(db: Database, clock: ManualClock) -> int:
    """A case of an author of whom much is known; its id."""
    named = {
        "author": SECRETS[1],
        "author_name": SECRETS[2],
        "author_url": "https://x.com/ann",
        "looked_at": clock.now(),
    }
    cases = Cases(db, SETTINGS)
    case_id = complain(db, SETTINGS, clock.now(), SECRETS[0], cases, **named)
    cases.act(case_id, "note", "bob", "cli", clock.now(), text="about Ann")
    with db.write() as session:
        mention_id = session.get_one(CaseRow, case_id).mention_id
        session.execute(update(CaseRow).where(CaseRow.id == case_id).values(slack_channel="C1", slack_ts="1.0"))
        times = {"created_at": clock.now(), "not_before": clock.now()}
        said = {"event": "note", "actor": "bob", "detail": {"text": "about Ann"}}
        session.add(RevisionRow(mention_id=mention_id, revision=0, text="first words", replaced_at=clock.now()))
        joined = {"kind": "joined", "actor": SECRETS[1], "origin": "news", "at": clock.now(), "detail": {}}
        session.add(CaseEventRow(case_id=case_id, **joined))
        ours = {"case_id": case_id, "mention_id": mention_id, "actor": "bob", "origin": "cli"}
        session.add(ReplyRow(key="r", text="dear Ann", state="sent", **ours, **times))
        slack = {"kind": "note", "case_id": case_id, "transport": "slack", "target": "C1", "payload": said}
        session.add(DeliveryRow(key="d", state="sent", receipt="2.0", **slack, **times))
        session.add(RejectRow(source="news", external_id="z", reason="?", raw="{'user': 'Ann Elm'}", at=clock.now()))
    return case_id


def everything(db: Database) -> str:
    with db.read() as session:
        tables = Base.metadata.sorted_tables
        return json.dumps([[tuple(row) for row in session.execute(table.select())] for table in tables], default=str)


def test_all_that_is_kept_about_an_author_is_handed_out(any_db: Database, clock: ManualClock) -> None:
    case_id = tell(any_db, clock)
    complain(any_db, SETTINGS, clock.now(), "somebody else's words", author="bob")
    with any_db.read() as session:
        found = export(session, "news", "@annofelmstreet")
        assert export(session, "wall", SECRETS[1])["mentions"] == []
    told = json.dumps(found, default=str)
    assert all(secret in told for secret in SECRETS)
    assert "somebody else" not in told
    assert [case["id"] for case in found["cases"]] == [case_id]


def test_nothing_is_left_of_an_author_who_was_erased(any_db: Database, clock: ManualClock) -> None:
    case_id = tell(any_db, clock)
    other = complain(any_db, SETTINGS, clock.now(), "somebody else's words", author="bob")
    erased = erase(any_db, "news", "@AnnOfElmStreet", clock.now(), redact)
    assert (erased.mentions, erased.cases, erased.rejects, erased.messages) == (1, 1, 1, 2)
    left = everything(any_db)
    assert [secret for secret in SECRETS if secret in left] == []
    assert "somebody else's words" in left
    with any_db.read() as session:
        waiting = session.scalars(select(DeliveryRow).where(DeliveryRow.state == "pending").order_by(DeliveryRow.id))
        kinds = [(row.kind, row.case_id, row.payload) for row in waiting if row.case_id == case_id]
        assert kinds == [("redact", case_id, {"ts": "2.0", "place": "C1"}), ("update", case_id, {})]
        assert session.get_one(CaseRow, other).author == "bob"


def test_erasing_twice_does_nothing_more(db: Database, clock: ManualClock) -> None:
    tell(db, clock)
    erase(db, "news", SECRETS[1], clock.now(), redact)
    clock.move(timedelta(hours=1))
    assert erase(db, "news", SECRETS[1], clock.now(), redact).mentions == 0


def test_the_words_are_gone_from_the_file_too(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "firsthour.sqlite"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    tell(db, clock)
    erase(db, "news", SECRETS[1], clock.now(), redact)
    with db.read() as session:
        session.execute(text("SELECT 1"))
    db.close()
    held = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert [secret for secret in SECRETS if secret.encode() in held] == []


def test_the_command_asks_before_it_erases(tmp_path: Path, clock: ManualClock) -> None:
    config = tmp_path / "firsthour.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path / "f.sqlite"}"\n')
    db = Database(f"sqlite:///{tmp_path / 'f.sqlite'}")
    upgrade(db)
    tell(db, clock)
    run = CliRunner().invoke
    asked = ["author", "erase", SECRETS[1], "--source", "news", "--config", str(config)]
    assert run(app, asked, input="n\n").exit_code != 0
    exported = run(app, ["author", "export", SECRETS[1], "--source", "news", "--config", str(config)])
    assert json.loads(exported.stdout)["mentions"][0]["text"] == SECRETS[0]
    assert "1 mentions, 1 cases" in run(app, [*asked, "--yes"]).stdout
    with db.read() as session:
        assert session.scalars(select(MentionRow.text)).one() == ""
    db.close()
