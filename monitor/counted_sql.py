"""What counts of a mention, in SQL: for monitor/rollups.py, monitor/recount.py and monitor/last_words.py."""

from __future__ import annotations

from sqlalchemy.orm import Session

KEY = ("brand", "hour", "source", "language", "sentiment", "topic", "complaint")
COUNTS = ("mentions", "rated", "stars")
LAST_WORD = (
    *("brand", "hour", "mention_id", "source", "language", "sentiment", "topic"),
    *("judged", "said", "word_id"),
)
_YEAR_1 = 20_000_000  # hours, so that a division rounds down before 1970 too
_HOUR = {
    "sqlite": f"(CAST(strftime('%s', m.posted_at) AS INTEGER) + {_YEAR_1 * 3600}) / 3600 - {_YEAR_1}",
    "postgresql": "CAST(floor(extract(epoch FROM m.posted_at) / 3600) AS BIGINT)",
}
_BRANDS = {
    "sqlite": "json_each(m.brands) AS b",
    "postgresql": "LATERAL json_array_elements_text(m.brands) AS b (value)",
}
_STARS = "CASE WHEN m.rating BETWEEN 1 AND 5 THEN CAST(round(m.rating * 100) AS BIGINT) END"
_LAST = "FROM corrections c WHERE c.mention_id = m.id ORDER BY c.at DESC, c.id DESC LIMIT 1"
_COMPLAINT = f"coalesce((SELECT c.complaint {_LAST}), v.complaint)"
# of many mentions most have no word: to look at one list of those that have is quicker than to look for each
_SPOKEN_OF = "m.id IN (SELECT mention_id FROM corrections)"
_JUDGED = "mentions m JOIN verdicts v ON v.mention_id = m.id AND v.revision = m.revision"
_COUNTS = "NOT m.own AND m.removed_at IS NULL"
_COUNTED = f"""
SELECT b.value AS brand, {{hour}} AS hour, m.source AS source, v.language AS language, v.sentiment AS sentiment,
    v.topic AS topic, {_COMPLAINT} AS complaint,
    {{sign}} count(*) AS mentions, {{sign}} count({_STARS}) AS rated, {{sign}} coalesce(sum({_STARS}), 0) AS stars
FROM {_JUDGED} CROSS JOIN {{brands}} WHERE {_COUNTS} AND {{which}}
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608
_EACH = f"""
SELECT {{hour}}, CAST(m.brands AS TEXT), m.source, v.language, v.topic, v.sentiment,
    CASE WHEN {_SPOKEN_OF} THEN {_COMPLAINT} ELSE v.complaint END, coalesce({_STARS}, 0)
FROM {_JUDGED} WHERE {_COUNTS} AND {{which}}
"""  # noqa: S608
# words are few, and mentions many: SQLite takes crossed tables in their order
_LAST_WORDS = f"""
SELECT DISTINCT b.value AS brand, {{hour}} AS hour, m.id AS mention_id, m.source AS source, v.language AS language,
    v.sentiment AS sentiment, v.topic AS topic, v.complaint AS judged, k.complaint AS said, k.id AS word_id
FROM corrections k CROSS JOIN mentions m CROSS JOIN verdicts v CROSS JOIN {{brands}}
WHERE m.id = k.mention_id AND v.mention_id = m.id AND v.revision = m.revision AND k.id = (SELECT c.id {_LAST})
    AND {_COUNTS} AND {{which}}
"""  # noqa: S608


def counted_sql(session: Session, which: str, sign: str = "") -> str:
    """A query for what mentions `m` give, as the table has it; with the sign "-" for what to take away."""
    dialect = session.get_bind().dialect.name
    return _COUNTED.format(hour=_HOUR[dialect], brands=_BRANDS[dialect], which=which, sign=sign)


def each_sql(session: Session, which: str) -> str:
    """A query for the mentions that count, one by one: hour, brands (a JSON list), source, language, topic, sentiment,
    complaint, stars in hundredths (0: none)."""
    return _EACH.format(hour=_HOUR[session.get_bind().dialect.name], which=which)


def last_words_sql(session: Session, which: str) -> str:
    """A query for LAST_WORD, of the words `k` that are the last on a mention that counts, for each of its brands."""
    dialect = session.get_bind().dialect.name
    return _LAST_WORDS.format(hour=_HOUR[dialect], brands=_BRANDS[dialect], which=which)
