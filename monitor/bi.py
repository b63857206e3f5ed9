"""What BI tools may rely on: views whose names and columns stay, whatever becomes of the tables behind them.

docs/bi.md tells of every column; new ones are added at the end. No view has words or authors but those whose names
begin with PERSONAL, so that a role can be kept from them, and none has the words of a mention that was removed. They
are made anew after every migration (monitor/migrations/env.py): a change here takes a migration, which may be empty.
"""

# ruff: noqa: S608  # put together from what stands here alone

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from monitor.case_events import REPLIES

PERSONAL: Final = "bi_personal_"
Rights = list[tuple[str, str]]

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "sqlite": {
        "brands": "(SELECT group_concat(value, '; ') FROM json_each(m.brands))",
        "each": "json_each(m.brands) AS b",
        "moment": "datetime(r.hour * 3600, 'unixepoch')",
        "day": "date(r.hour * 3600, 'unixepoch')",
        "reply_id": "json_extract(e.detail, '$.reply_id')",
        "to_take": "max(0.0, round((julianday(min(e.at)) - julianday(c.opened_at)) * 86400, 3))",
        "whole": "CAST({} AS INTEGER)",
        "count": "CAST({} AS INTEGER)",
    },
    "postgresql": {
        "brands": "(SELECT string_agg(value, '; ') FROM json_array_elements_text(m.brands))",
        "each": "LATERAL json_array_elements_text(m.brands) AS b (value)",
        "moment": "to_timestamp(r.hour * 3600)",
        "day": "CAST(to_timestamp(r.hour * 3600) AT TIME ZONE 'UTC' AS DATE)",
        "reply_id": "(e.detail ->> 'reply_id')",
        "to_take": "CASE WHEN min(e.at) < c.opened_at THEN 0.0 ELSE"
        " CAST(extract(epoch FROM min(e.at) - c.opened_at) AS DOUBLE PRECISION) END",
        "whole": "CAST(floor({}) AS BIGINT)",
        "count": "CAST({} AS BIGINT)",
    },
}
_REPLIES = ", ".join(f"'{kind}'" for kind in REPLIES)
_FIRST_ANSWER = f"FROM case_events e WHERE e.case_id = c.id AND e.kind IN ({_REPLIES}) ORDER BY e.at, e.id LIMIT 1"
# as monitor/outcomes.py has it: a next clock runs in place of the first, whose outcome stays
_CLOCKED = "(c.calendar_seconds IS NOT NULL OR (c.clock_kind = 'first' AND c.starts_at IS NOT NULL))"
_ANSWERED = "c.first_response_at IS NOT NULL"
_CLOSED = "c.state IN ('resolved', 'dismissed')"
_CORRECTED = "(SELECT k.complaint FROM corrections k WHERE k.mention_id = m.id ORDER BY k.at DESC, k.id DESC LIMIT 1)"
_VERDICT = "LEFT JOIN verdicts v ON v.mention_id = m.id AND v.revision = m.revision"
_LIKE = "r.source, r.language, r.sentiment, r.topic, r.complaint"


def views(dialect: str) -> dict[str, str]:
    """Each view's name and what it selects, in the order in which docs/bi.md tells of them."""
    w = _WORDS[dialect]
    whole, total = w["whole"], w["count"].format("sum(r.{})")
    used = {name: whole.format(f"c.{name}_seconds") for name in ("calendar", "business")}

    def within(minutes: int) -> str:
        return f"({_ANSWERED} AND coalesce({used['calendar']} <= {minutes * 60}, false)) AS within_{minutes}"

    return {
        "bi_mentions": f"""
            SELECT m.id, m.source, m.posted_at, m.seen_at, {w["brands"]} AS brands, m.rating, v.language, v.sentiment,
                v.negative, v.neutral, v.positive, coalesce({_CORRECTED}, v.complaint) AS complaint,
                v.complaint AS judged_complaint, v.complaint_score, v.severity, v.topic, v.topic_score, v.model,
                v.judged_at, m.own, (m.removed_at IS NOT NULL) AS removed,
                (v.id IS NOT NULL AND NOT m.own AND m.removed_at IS NULL) AS counted,
                m.copy_of, m.case_id, m.likes, m.shares, m.answers, m.views
            FROM mentions m {_VERDICT}""",
        "bi_mention_brands": f"SELECT m.id AS mention_id, b.value AS brand FROM mentions m CROSS JOIN {w['each']}",
        "bi_cases": """
            SELECT c.id, c.mention_id, c.brand, c.source, c.language, c.topic, c.severity, c.state,
                (c.owner IS NOT NULL) AS owned, c.policy, c.posted_at, c.opened_at, c.taken_at, c.due_at, c.clock,
                c.first_response_at, c.met, c.breached_at, c.resolved_at, c.calendar_seconds, c.business_seconds,
                c.satisfaction, c.satisfaction_at, (c.vip IS NOT NULL) AS vip, c.incident_id
            FROM cases c""",
        "bi_responses": f"""
            SELECT c.id AS case_id, c.brand, c.source, c.language, c.topic, c.severity, c.posted_at, c.opened_at,
                ({_ANSWERED}) AS answered, (NOT ({_ANSWERED}) AND NOT ({_CLOSED})) AS waiting,
                (NOT ({_ANSWERED}) AND {_CLOSED}) AS closed_without_reply, c.first_response_at AS answered_at,
                CASE WHEN {_ANSWERED} THEN {used["calendar"]} END AS calendar_seconds,
                CASE WHEN {_ANSWERED} THEN {used["business"]} END AS business_seconds,
                {within(20)}, {within(60)}, coalesce(c.met, false) AS within_target,
                (c.breached_at IS NOT NULL) AS breached, c.breached_at,
                (SELECT {w["to_take"]} FROM case_events e
                    WHERE e.case_id = c.id AND e.kind IN ('take', 'hand_over')) AS seconds_to_take,
                CASE WHEN {_ANSWERED} THEN (SELECT {w["reply_id"]} IS NULL {_FIRST_ANSWER}) END AS answered_outside,
                c.satisfaction
            FROM cases c WHERE {_CLOCKED}""",
        "bi_replies": """
            SELECT p.id, p.case_id, p.mention_id, p.kind, p.origin, p.state, p.created_at, p.sent_at
            FROM replies p""",
        "bi_case_events": "SELECT e.id, e.case_id, e.kind, e.origin, e.at FROM case_events e",
        "bi_corrections": f"""
            SELECT k.id, k.mention_id, m.source, v.language, v.topic, k.complaint, v.complaint AS judged_complaint,
                v.complaint_score, v.model, k.at
            FROM corrections k JOIN mentions m ON m.id = k.mention_id {_VERDICT}""",
        "bi_trends_hourly": f"""
            SELECT r.brand, {w["moment"]} AS hour, {_LIKE}, r.mentions, r.rated, r.stars / 100.0 AS stars
            FROM rollups r WHERE r.mentions <> 0""",
        "bi_trends_daily": f"""
            SELECT r.brand, {w["day"]} AS day, {_LIKE}, {total.format("mentions")} AS mentions,
                {total.format("rated")} AS rated, sum(r.stars) / 100.0 AS stars
            FROM rollups r GROUP BY r.brand, {w["day"]}, {_LIKE} HAVING sum(r.mentions) <> 0""",
        "bi_sources": """
            SELECT s.name, s.last_success_at, s.newest_posted_at, s.failures, s.failing_since,
                (s.stopped_for IS NOT NULL) AS stopped
            FROM sources s""",
        "bi_personal_mentions": """
            SELECT m.id AS mention_id, m.external_id, m.url, m.author, m.author_name, m.author_url, m.author_followers,
                m.text
            FROM mentions m WHERE m.removed_at IS NULL""",
        "bi_personal_cases": f"""
            SELECT c.id AS case_id, CASE WHEN m.removed_at IS NULL THEN c.author END AS author, c.owner,
                (SELECT CASE WHEN e.kind = 'reply' THEN e.actor END {_FIRST_ANSWER}) AS answered_by
            FROM cases c JOIN mentions m ON m.id = c.mention_id""",
    }


def take_down(connection: Connection) -> Rights:
    """Drop the views, which would be in the way of changes to the tables; returns who may read them, for `put_up`."""
    dialect, rights = connection.dialect.name, []
    if dialect == "postgresql":
        granted = """
            SELECT v.relname, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM pg_class v CROSS JOIN LATERAL aclexplode(v.relacl) a
            WHERE v.relkind = 'v' AND v.relnamespace = current_schema()::regnamespace
                AND a.privilege_type = 'SELECT' AND a.grantee <> v.relowner"""
        rights = [(name, grantee) for name, grantee in connection.exec_driver_sql(granted)]
    for name in views(dialect):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
    return rights


def put_up(connection: Connection, rights: Rights) -> None:
    """Make the views, and let those read them who could."""
    dialect = connection.dialect.name
    made = views(dialect)
    for name, select in made.items():
        # a function in somebody's condition must not see the rows that the view leaves out
        barrier = " WITH (security_barrier)" if dialect == "postgresql" and name.startswith(PERSONAL) else ""
        connection.exec_driver_sql(f"CREATE VIEW {name}{barrier} AS {select}")
    for name, grantee in rights:
        if name in made:
            connection.exec_driver_sql(f"GRANT SELECT ON {name} TO {grantee}")
