"""The SQL by which a database makes a past by itself, a part at a time.

Statements take `first` and `end`, of the mentions' numbers from 0, the latter not included; `count`, of all; and
`stock`, how many texts there are in the table of that name. What looks like chance is made of the number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from benchmarks.world import NOW
from monitor import word_index
from monitor.classify.verdict import TOPICS

DAYS = 400
LANGUAGES = ("en", "de", "fr", "es", "et", "uk")
_PRIME = 2_147_483_647
_NUMBERS = """WITH RECURSIVE numbers (n) AS
    (SELECT CAST(:first AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)"""
_STOCKED = """numbers JOIN stock AS whole ON whole.number = n % :stock
    JOIN stock AS start ON start.number = (n + n / :stock) * 31 % :stock"""
_PART = "m.id > :first AND m.id <= :end"


def stock(dialect: str) -> str:
    """The table of texts and their beginnings, each with its words as the index has them."""
    words = "TEXT" if dialect == "sqlite" else "TSVECTOR"
    columns = f"number INTEGER PRIMARY KEY, said TEXT, words {words}, head TEXT, head_words {words}"
    return f"CREATE TABLE stock ({columns})"


def heard(dialect: str) -> Iterator[str]:
    """Mentions and their verdicts, stored day by day: of ten brands, the first of which has a third of it, eight
    sources, six languages and all topics, by day more than by night. One in twenty is about two brands, one in four has
    stars. What a mention is of says nothing of what else it is: as many cells as can be."""
    day, hours = f"n * {DAYS} / :count", f"({_even(982_451_653)} + {_even(433_494_437)}) * 12"
    moment = f"{int((NOW - timedelta(days=DAYS)).timestamp())} + {day} * 86400 + {hours} * 3600"
    brand = f"'\"Brand ' || {_skewed(899_809_343, 10)} || '\"'"
    brands = f"'[' || {brand} || CASE WHEN n % 20 = 0 THEN ', \"Brand 10\"' ELSE '' END || ']'"
    if dialect == "sqlite":
        posted, now = f"strftime('%Y-%m-%d %H:%M:%f000', {moment}, 'unixepoch')", f"'{NOW:%Y-%m-%d %H:%M:%S.%f}'"
    else:
        posted, now, brands = f"to_timestamp({moment})", f"'{NOW.isoformat()}'", f"CAST({brands} AS JSON)"
    yield f"""{_NUMBERS}
    INSERT INTO mentions (id, source, external_id, text, own, backfill, brands, posted_at, seen_at, revision, judging,
        attempt, rating)
    SELECT n + 1, 'source ' || {_skewed(715_225_739, 8)}, 't' || n, said || ' ' || head || ' acme ' || n, false, false,
        {brands}, {posted}, {now}, 0, 'judged', 0, CASE WHEN n % 4 = 0 THEN 1 + n % 5 END
    FROM (SELECT n, whole.said, start.head FROM {_STOCKED}) AS stocked
    """
    mood, sure = _even(576_460_731), f"0.5 * {_even(433_494_437)} * {_even(433_494_437)}"
    yield f"""{_NUMBERS}
    INSERT INTO verdicts (mention_id, revision, language, language_score, sentiment, negative, neutral, positive,
        complaint, complaint_score, severity, severity_score, topic, topic_score, model, judged_at)
    SELECT n + 1, 0, {_one_of(LANGUAGES, _skewed(304_250_263, len(LANGUAGES)))}, 0.9,
        CASE WHEN {mood} < 0.45 THEN 'negative' WHEN {mood} < 0.75 THEN 'neutral' ELSE 'positive' END, 0.5, 0.3, 0.2,
        {mood} < 0.3, CASE WHEN {mood} < 0.3 THEN 1 - {sure} ELSE {sure} END, 'low', 0.9,
        {_one_of(TOPICS, _skewed(613_651_369, len(TOPICS)))}, 0.9, 'bench', {now}
    FROM numbers
    """


def answered(dialect: str) -> Iterator[str]:
    """Every third complaint is a case, nine of ten of which were taken and answered, in 1 to 120 minutes; of the others
    those of the last day are open and the rest was closed without an answer. People said a word on one mention in 200,
    every second time that the verdict is wrong."""
    brand, after = "m.brands ->> 0", "{at} + ({minutes}) * interval '1 minute'"
    if dialect == "sqlite":
        brand, after = (
            "json_extract(m.brands, '$[0]')",
            "strftime('%Y-%m-%d %H:%M:%f000', {at}, ({minutes}) || ' minutes')",
        )
    minutes, replied = "1 + m.id * 7 % 120", "m.id % 10 > 0"
    reply = after.format(at="m.posted_at", minutes=minutes)
    breach = after.format(at="m.posted_at", minutes="60")
    late = f"(NOT ({replied}) OR {minutes} > 60)"
    open_ = f"(NOT ({replied}) AND m.id > CAST(:count AS BIGINT) * {DAYS - 1} / {DAYS})"
    over = (
        f"CASE WHEN {replied} THEN {reply} WHEN NOT {open_} THEN {after.format(at='m.posted_at', minutes='1440')} END"
    )
    yield f"""
    INSERT INTO cases (id, mention_id, brand, source, topic, severity, language, policy, clock, clock_kind, opened_at,
        posted_at, starts_at, state, owner, due_at, first_response_at, taken_at, resolved_at, met, calendar_seconds,
        business_seconds, breached_at, satisfaction, paused_calendar, paused_business, head_start, step, version)
    SELECT m.id, m.id, {brand}, source, topic, 'low', language, 'default',
        CASE WHEN {open_} THEN 'running' ELSE 'stopped' END, 'first', m.posted_at, m.posted_at, m.posted_at,
        CASE WHEN {open_} THEN 'open' ELSE 'resolved' END, CASE WHEN {replied} THEN 'person ' || m.id % 12 END,
        {breach}, CASE WHEN {replied} THEN {reply} END, CASE WHEN {replied} THEN {reply} END, {over},
        CASE WHEN {replied} THEN {minutes} <= 60 END, CASE WHEN {replied} THEN 60 * ({minutes}) END,
        CASE WHEN {replied} THEN 60 * ({minutes}) END, CASE WHEN {late} THEN {breach} END,
        CASE WHEN m.id % 8 = 0 THEN 1 + m.id % 5 END, 0, 0, 0, 0, 0
    FROM mentions AS m JOIN verdicts AS v ON v.mention_id = m.id WHERE complaint AND m.id % 3 = 0 AND {_PART}
    """
    yield f"UPDATE mentions SET case_id = id WHERE id IN (SELECT m.id FROM cases AS m WHERE {_PART})"
    happened = {"opened": "m.posted_at", "take": reply, "reply": reply}
    for kind, at in happened.items():
        yield f"""
        INSERT INTO case_events (case_id, kind, actor, origin, at, detail)
        SELECT m.id, '{kind}', {"'firsthour'" if kind == "opened" else "owner"}, 'web', {at}, '{{}}'
        FROM cases AS m WHERE {_PART} AND ('{kind}' = 'opened' OR {replied})
        """
    yield f"""
    INSERT INTO case_events (case_id, kind, actor, origin, at, detail)
    SELECT m.id, 'resolve', coalesce(owner, 'person 0'), 'web', resolved_at, '{{}}'
    FROM cases AS m WHERE {_PART} AND resolved_at IS NOT NULL
    """
    yield f"""
    INSERT INTO corrections (mention_id, complaint, actor, at)
    SELECT m.id, CASE WHEN m.id % 400 = 0 THEN complaint ELSE NOT complaint END, 'person', {reply}
    FROM mentions AS m JOIN verdicts AS v ON v.mention_id = m.id WHERE m.id % 200 = 0 AND {_PART}
    """


def indexed(dialect: str) -> str:
    """The words of the mentions, as monitor/word_index.py would put them."""
    if dialect == "sqlite":
        table, words = "mention_words (rowid, words)", "whole.words || ' ' || start.head_words || ' acme ' || n"
    else:
        bucket = f"CAST('''#' || ((n + 1) >> {word_index.BUCKET}) || '''' AS tsvector)"
        number = "CAST('''acme''\\:1 ''' || n || '''\\:2' AS tsvector)"
        table, words = "mention_words (id, words)", f"whole.words || start.head_words || {number} || {bucket}"
    return f"{_NUMBERS} INSERT INTO {table} SELECT n + 1, {words} FROM {_STOCKED} ORDER BY n"


def _even(factor: int) -> str:
    """From 0 to 1, the same for the same `n`, evenly spread."""
    return f"(CAST(n * {factor} % {_PRIME} AS DOUBLE PRECISION) / {_PRIME})"


def _skewed(factor: int, values: int) -> str:
    """From 0 to `values` - 1, the first the most frequent."""
    return f"CAST(floor({_even(factor)} * {_even(factor)} * {values}) AS BIGINT)"


def _one_of(values: Sequence[str], index: str) -> str:
    cases = " ".join(f"WHEN {n} THEN '{value}'" for n, value in enumerate(values))
    return f"CASE {index} {cases} END"
