"""A small town of customers: rows such as the earlier stages leave them, for tests of what is shown."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from monitor.database import Database
from monitor.models import CaseEventRow, CaseRow, MentionRow, VerdictRow


@dataclass(frozen=True)
class Said:
    """A mention: who, where, in which language, what; and the verdict on it."""

    author: str
    source: str
    language: str
    text: str
    complaint: float = 0.03
    mood: tuple[float, float, float] = (0.1, 0.3, 0.6)
    severity: str = "low"
    topic: str = "other"
    rating: float | None = None
    followers: int | None = None


def mention(session: Session, said: Said, at: datetime, judged: bool = True, **more: Any) -> MentionRow:
    row = MentionRow(
        source=said.source,
        external_id=uuid.uuid4().hex,
        url=f"https://example.com/{said.source}/{said.author}",
        text=said.text,
        rating=said.rating,
        author=said.author,
        author_followers=said.followers,
        brands=["Acme"],
        posted_at=at,
        seen_at=at + timedelta(seconds=20),
        judging="judged" if judged else "waiting",
    )
    for name, value in more.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    if judged:
        session.add(verdict(row, said, at))
    return row


def verdict(row: MentionRow, said: Said, at: datetime) -> VerdictRow:
    negative, neutral, positive = said.mood
    return VerdictRow(
        mention_id=row.id,
        revision=0,
        language=said.language,
        language_score=0.98,
        sentiment=("negative", "neutral", "positive")[said.mood.index(max(said.mood))],
        negative=negative,
        neutral=neutral,
        positive=positive,
        complaint=said.complaint >= 0.5,
        complaint_score=said.complaint,
        severity=said.severity,
        severity_score=0.8,
        topic=said.topic,
        topic_score=0.88,
        model="test-1",
        judged_at=at + timedelta(seconds=21),
    )


def case(session: Session, said: Said, at: datetime, target: timedelta = timedelta(hours=1), **more: Any) -> CaseRow:
    """A case with a running clock, opened by what was said."""
    first = mention(session, said, at)
    row = CaseRow(
        mention_id=first.id,
        brand="Acme",
        source=said.source,
        author=said.author,
        state="open",
        severity=said.severity,
        topic=said.topic,
        language=said.language,
        opened_at=at + timedelta(seconds=21),
        posted_at=at,
        policy="default",
        clock="running",
        starts_at=at,
        due_at=at + target,
    )
    for name, value in more.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    first.case_id = row.id
    happened(session, row, "opened", "firsthour", at + timedelta(seconds=21), "classify")
    return row


def happened(session: Session, row: CaseRow, kind: str, actor: str, at: datetime, origin: str, **detail: Any) -> None:
    session.add(CaseEventRow(case_id=row.id, kind=kind, actor=actor, origin=origin, at=at, detail=detail))


BAD = (0.94, 0.04, 0.02)
AYSE = Said(
    "ayse_k",
    "app-store",
    "tr",
    "Aboneliği iptal ettiğim hâlde üç aydır kartımdan para çekiliyor, destek hattı cevap bile vermiyor!",
    0.99,
    BAD,
    "critical",
    "billing",
    rating=1,
)
KADRI = Said(
    "kuldnokk",
    "reddit",
    "et",
    "Teist nädalat ootan pakki, kuller on „kohe teel“. Klienditugi kopeerib sama vastust. Kas keegi loeb neid kirju?",
    0.97,
    BAD,
    "high",
    "delivery",
)
JUN = Said(
    "jun_dlc",
    "x",
    "fil",
    "Grabe, laging nagla-log out yung app tuwing magbabayad na ako. Pang-apat na beses na today 😩",
    0.93,
    (0.85, 0.1, 0.05),
    "medium",
    "app_or_website",
    followers=12_400,
)
SLOBODAN = Said(
    "slobodan_p",
    "app-store",
    "sr",
    "Љубазни су, али чекање на шалтеру сат времена је превише.",
    0.71,
    (0.6, 0.3, 0.1),
    "low",
    "staff_service",
    rating=2,
)
NOURA = Said(
    "noura.q8",
    "x",
    "ar",
    "طلبت الغسالة قبل شهر ووصلت مكسورة، وخدمة العملاء تقول انتظري. إلى متى؟",
    0.96,
    BAD,
    "high",
    "product_quality",
    followers=3_100,
)
MEENA = Said(
    "meena_tvl",
    "reddit",
    "ta",
    "மூன்று நாட்களாக இணையம் வேலை செய்யவில்லை. யாரும் தொலைபேசியை எடுப்பதில்லை.",
    0.95,
    BAD,
    "medium",
    "outage",
)
PETRA = Said("petra_n", "x", "de", "Seit drei Tagen keine Antwort auf meine Mail.", 0.8, BAD, "medium", "staff_service")
OTHERS = (
    Said(
        "lukas_m",
        "reddit",
        "de",
        "Die neue Waschmaschine ist wirklich leise, hätte ich nicht gedacht.",
        mood=(0.02, 0.1, 0.88),
    ),
    Said("sora_22", "x", "ja", "アクメの新しいアプリ、デザインがすごくきれいになった！", mood=(0.02, 0.15, 0.83)),
    Said(
        "claire.b",
        "x",
        "fr",
        "Quelqu’un sait à quelle heure ouvre le magasin Acme de Lyon dimanche ?",
        mood=(0.05, 0.9, 0.05),
    ),
    Said("paolo_r", "app-store", "it", "Funziona bene, ma la batteria dura poco.", mood=(0.45, 0.35, 0.2), rating=3),
    Said("ananya", "x", "hi", "एक्मे की डिलीवरी इस बार समय से पहले आ गई, शुक्रिया!", mood=(0.01, 0.09, 0.9)),
    Said("mar_gz", "reddit", "es", "Hoy Acme anuncia sus resultados del trimestre.", mood=(0.03, 0.92, 0.05)),
    Said(
        "tom.h", "hackernews", "en", "Acme open-sourced their delivery router. Nice write-up.", mood=(0.02, 0.3, 0.68)
    ),
)


def settle(db: Database, now: datetime) -> dict[str, int]:
    """Fill the town: six cases in every condition of the clock and what else was heard. Returns case ids by author."""
    ids = {}
    with db.write() as session:
        for number, said in enumerate(OTHERS[3:]):
            mention(session, said, now - timedelta(minutes=50 - number * 6))
        earlier = now - timedelta(days=9)
        for days in (0, 4):
            old = earlier + timedelta(days=days)
            case(
                session,
                KADRI,
                old,
                state="resolved",
                clock="stopped",
                first_response_at=old + timedelta(minutes=31),
                met=True,
                calendar_seconds=1860.0,
                resolved_at=old + timedelta(hours=2),
            )
        for minutes, took in ((300, 11), (240, 18), (200, 26)):
            at = now - timedelta(minutes=minutes)
            case(
                session,
                PETRA,
                at,
                state="resolved",
                clock="stopped",
                first_response_at=at + timedelta(minutes=took),
                met=True,
                calendar_seconds=took * 60.0,
            )
        ids["ayse_k"] = case(session, AYSE, now - timedelta(minutes=64, seconds=20)).id
        kadri = case(session, KADRI, now - timedelta(minutes=41, seconds=10), state="taken", owner="Mari")
        happened(session, kadri, "remind", "clock", now - timedelta(minutes=21), "clock")
        happened(session, kadri, "take", "Mari", now - timedelta(minutes=15), "slack")
        happened(
            session,
            kadri,
            "note",
            "Mari",
            now - timedelta(minutes=12),
            "web",
            text="The parcel is in Tartu since Monday; asked the hub.",
        )
        ids["kuldnokk"] = kadri.id
        ids["noura.q8"] = case(session, NOURA, now - timedelta(minutes=44)).id
        ids["jun_dlc"] = case(session, JUN, now - timedelta(minutes=12), state="taken", owner="Jaan Tamm").id
        ids["meena_tvl"] = case(session, MEENA, now - timedelta(minutes=7)).id
        ids["slobodan_p"] = case(session, SLOBODAN, now - timedelta(minutes=5)).id
        for number, said in enumerate(OTHERS[:3]):
            mention(session, said, now - timedelta(minutes=4 - number), judged=number < 2)
    return ids
