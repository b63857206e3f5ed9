"""A city of customers, the same in every run: eight weeks of mentions of us and of a competitor, cases answered and
waiting, people who sign in, and what could not be read. For every page, and for the pictures of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from monitor import rollups
from monitor.access.roles import Role
from monitor.access.tokens import Tokens
from monitor.annotations import annotate
from monitor.database import Database, insert_rows
from monitor.models import CaseEventRow, CaseRow, MentionRow, RejectRow, SourceState, VerdictRow
from monitor.sources.base import Capabilities
from tests.web import town
from tests.web.people import US, person
from tests.web.serving import SOURCES, Desk

DAYS = 57
FIRST_ID = 1_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECTIONS: dict[str, Any] = {
    "brands": [{"name": "Acme", "match": "acme"}, {"name": "Beta", "match": "beta", "competitor": True}],
    "sources": [each | {"every": "10m"} for each in SOURCES],
    "login": {"local": True},
    "clock": {"timezone": "Europe/Tallinn"},
    "oncall": [{"who": "U0MARI", "name": "Mari", "hours": ["mon-fri 09:00-17:00"]}],
    "templates": [{"name": "Sorry", "text": "We are sorry, {name}."}],
}
COMPLAINTS = {
    "delivery": (
        "The courier says nobody was at home, and I waited at the door all day",
        "A week now, and the parcel still sits in the same depot",
        "Acme promised it for Monday; today is Friday and the tracking shows nothing",
    ),
    "billing": (
        "Charged twice for one month, and nobody answers the mail",
        "The voucher is refused at the checkout although it is valid until spring",
        "I cancelled in August and Acme still takes money from my card",
    ),
    "app_or_website": (
        "The app logs me out whenever I am about to pay",
        "The site shows an empty basket since the update",
    ),
    "staff_service": ("Forty minutes on hold, then the line was cut", "The chat copies the same answer three times"),
    "product_quality": ("The handle broke on the second day", "The washing machine came with a dent in its door"),
    "other": ("The music in the Tartu store is so loud that it hurts", "Loud music in the store again, I left"),
}
PLAIN = (
    "Does anybody know when the Acme store opens on Sunday?",
    "Acme publishes its figures of the quarter on Thursday",
    "Which of the two machines is quieter?",
)
PRAISE = (
    "The courier was friendly and early, thank you Acme",
    "Really quiet machine, I did not expect that",
    "Refund within an hour, well done",
)
SOURCE_OF = {"delivery": "x", "billing": "reddit", "app_or_website": "app-store"}
_MOODS = {"negative": (0.92, 0.06, 0.02), "neutral": (0.06, 0.88, 0.06), "positive": (0.02, 0.08, 0.9)}


def settle(desk: Desk) -> dict[str, int]:
    """Fill the city; case ids by author."""
    now = desk.clock.now()
    desk.square.capabilities = Capabilities(reply=True, reply_limit=400, place="the App Store")
    weeks(desk.db, now)
    ids = town.settle(desk.db, now)
    with desk.db.write() as session:
        annotate(session, now - 5 * DAY, now - 3 * DAY, "Courier strike", None, "Mari", now)
        given = {"reason": "the time is missing", "raw": '{"id": 1}', "at": now - HOUR}
        rows = [{"source": "reddit", "external_id": f"t3_{n}", **given} for n in range(3)]
        session.execute(insert(RejectRow), rows)
        for name, minutes in (("app-store", 9), ("reddit", 2), ("x", 1)):
            read = {"last_success_at": now - timedelta(minutes=minutes), "next_poll_at": now + timedelta(minutes=3)}
            session.add(SourceState(name=name, newest_posted_at=now - timedelta(minutes=4 * minutes), **read))
    person(desk, "Mari", Role.ADMIN)
    person(desk, "Jaan Tamm")
    person(desk, "Vera", Role.VIEWER)
    Tokens(desk.db).add("Grafana in the office", ["read", "export"], US, now)
    return ids


def weeks(db: Database, now: datetime) -> None:
    """Mentions of DAYS days, counted; each complaint about us has a case that was answered."""
    dice = random.Random(20)
    mentions: list[dict[str, Any]] = []
    verdicts: list[dict[str, Any]] = []
    cases: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for at, brand, mood, topic in _said(now, dice):
        number = FIRST_ID + len(mentions)
        words = {"negative": COMPLAINTS[topic], "neutral": PLAIN, "positive": PRAISE}[mood]
        source = SOURCE_OF.get(topic, dice.choice(("x", "reddit", "app-store")))
        language = dice.choice(("en", "en", "en", "de", "et"))
        stars = {"negative": 1.0, "neutral": 3.0, "positive": 5.0}[mood] if source == "app-store" else None
        post: dict[str, Any] = {"id": number, "source": source, "external_id": f"c{number}", "brands": [brand]}
        post |= {
            "url": f"https://example.com/{number}",
            "text": dice.choice(words),
            "rating": stars,
            "judging": "judged",
        }
        post |= {"author": f"customer_{number}", "posted_at": at, "seen_at": at, "own": False, "backfill": False}
        mentions.append(post)
        verdicts.append(_verdict(number, mood, topic, language, at))
        if mood == "negative" and brand == "Acme":
            about = {"source": source, "topic": topic, "language": language, "author": post["author"]}
            case, event = _answered(number, at, dice, about)
            cases.append(case)
            events.append(event)
    with db.write() as session:
        insert_rows(session, MentionRow, mentions)
        insert_rows(session, VerdictRow, verdicts)
        insert_rows(session, CaseRow, cases)  # each with the number of its mention
        session.execute(update(MentionRow).where(MentionRow.id.in_(select(CaseRow.id))).values(case_id=MentionRow.id))
        insert_rows(session, CaseEventRow, events)
        rollups.count(session, [each["id"] for each in mentions])


def _said(now: datetime, dice: random.Random) -> list[tuple[datetime, str, str, str]]:
    """When, of whom, how and about what; the month that is shown has a storm about delivery, and ever more music."""
    said, noon = [], now - 2 * HOUR  # in Tallinn, in winter
    for day in range(DAYS):
        late = day < 28
        counts = {"delivery": 3, "billing": 2, "app_or_website": 2, "staff_service": 1, "product_quality": 1}
        counts |= {"delivery": 38 if day in (4, 5) else 3, "other": int(late and day % 3 == 0)}
        about = [topic for topic, count in counts.items() for _ in range(max(0, count + dice.choice((-1, 0, 0, 1))))]
        for brand, share in (("Acme", 1.0), ("Beta", 0.5)):
            heard = [("neutral", "other")] * dice.randrange(7, 13) + [("positive", "other")] * dice.randrange(5, 10)
            heard += [("negative", topic) for topic in about if brand == "Acme" or topic != "delivery" or day > 5]
            for mood, topic in heard:
                hour = dice.choice((8, 9, 9, 10, 10, 10, 11, 11, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 23))
                at = noon - day * DAY + (hour - 12) * HOUR + timedelta(minutes=dice.randrange(60))
                if dice.random() < share and at < now - HOUR:
                    said.append((at, brand, mood, topic))
    return said


def _verdict(number: int, mood: str, topic: str, language: str, at: datetime) -> dict[str, Any]:
    negative, neutral, positive = _MOODS[mood]
    sure = {"language_score": 0.98, "severity_score": 0.8, "topic_score": 0.88, "model": "test-1"}
    found = {"mention_id": number, "revision": 0, "language": language, "sentiment": mood, "topic": topic}
    scores = {"negative": negative, "neutral": neutral, "positive": positive}
    complaint = {"complaint": mood == "negative", "complaint_score": negative, "severity": "medium"}
    return found | scores | complaint | sure | {"judged_at": at}


def _answered(
    number: int, at: datetime, dice: random.Random, about: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    took = timedelta(seconds=int(dice.lognormvariate(7.2, 0.7)))
    who = dice.choice(("Mari", "Mari", "Jaan Tamm"))
    case = about | {"id": number, "mention_id": number, "brand": "Acme", "state": "resolved", "owner": who}
    case |= {"severity": "medium", "opened_at": at, "posted_at": at, "policy": "default", "clock": "stopped"}
    case |= {"clock_kind": "first", "starts_at": at, "due_at": at + HOUR, "taken_at": at + took / 3}
    case |= {"first_response_at": at + took, "met": took <= HOUR, "breached_at": at + HOUR if took > HOUR else None}
    case |= {"calendar_seconds": took.total_seconds(), "business_seconds": took.total_seconds() / 2}
    case |= {"step": 0, "version": 0, "paused_calendar": 0.0, "paused_business": 0.0, "head_start": 0.0}
    case |= {"resolved_at": at + took}
    reply = {"case_id": number, "kind": "reply", "actor": who, "origin": "slack", "at": at + took}
    return case, reply | {"detail": {"reply_id": number}}
