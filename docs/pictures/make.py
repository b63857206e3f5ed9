"""Draws docs/pictures/alert.png: two alerts, rendered by the same functions that post them, in the look of Slack.

    python docs/pictures/make.py

Needs Chromium and the fonts Lato and Noto Color Emoji. The people, brands and words are those of the demo.
"""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from monitor.alerts.blocks import root
from monitor.alerts.notes import asks, happened
from monitor.cases import Case

NOW = datetime(2026, 11, 20, 14, 22, tzinfo=UTC)
HERE = Path(__file__).parent
EMOJI = {
    "hourglass_flowing_sand": "⏳",
    "large_yellow_circle": "🟡",
    "large_orange_circle": "🟠",
    "red_circle": "🔴",
    "rotating_light": "🚨",
    "white_check_mark": "✅",
    "bell": "🔔",
    "raised_hand": "✋",
}
STYLE = """
:root { font: 15px/1.47 Lato, sans-serif; color: #1d1c1d; background: #fff }
body { margin: 0; padding: 14px 20px 18px; width: 680px }
.channel { font-weight: 900; font-size: 18px; border-bottom: 1px solid #ddd; margin: 0 -20px 14px;
           padding: 0 20px 10px }
.channel span { color: #616061; font-weight: 400 }
.message { display: grid; grid-template-columns: 36px 1fr; gap: 0 8px; margin-bottom: 18px }
.face { width: 36px; height: 36px; border-radius: 5px; background: #14532d; color: #fff; font-weight: 900;
        display: grid; place-items: center }
.name { font-weight: 900 }
.app { font-size: 10px; font-weight: 700; color: #616061; background: #eee; border-radius: 2px; padding: 1px 3px }
.time, .context { color: #616061; font-size: 12px }
.section { margin: 2px 0 6px }
blockquote { margin: 4px 0; padding: 2px 0 2px 12px; border-left: 4px solid #ddd }
.actions { display: flex; gap: 8px; margin: 6px 0 4px }
button { font: 700 13px Lato, sans-serif; border: 1px solid #bbb; border-radius: 4px; padding: 5px 12px;
         background: #fff; color: #1d1c1d }
button.primary { background: #007a5a; border-color: #007a5a; color: #fff }
a { color: #1264a3; text-decoration: none }
.thread { border-left: 2px solid #ddd; margin: 6px 0 0; padding-left: 12px; font-size: 14px }
.thread .count { color: #1264a3; font-weight: 700; font-size: 13px }
"""

FIRST = Case(
    id=118, mention_id=1, external_id="p003", brand="Brevanto", source="x", state="open", owner=None,
    severity="high", topic="delivery", language="en", conversation=None,
    author="callum_reid_93", author_name="Callum Reid", author_url="https://example.com/@callum_reid_93",
    author_followers=2760,
    text="Brevanto says my parcel was delivered. To whom exactly? I was standing at the door all afternoon.",
    url="https://example.com/posts/3", rating=None, removed=False, sentiment="negative",
    complaint_score=0.97, severity_score=0.81, topic_score=0.93, model="embedded", earlier_cases_30d=2, mentions=1,
    opened_at=NOW, posted_at=NOW - timedelta(minutes=22), resolved_at=None, policy="default", clock="running",
    clock_kind="first", starts_at=NOW - timedelta(minutes=22), due_at=NOW + timedelta(minutes=38, seconds=20),
    seconds_left=None, paused_at=None, step=1, next_step_at=None, snoozed_until=None, first_response_at=None, met=None,
    breached_at=None, calendar_seconds=None, business_seconds=None, taken_at=None, version=1,
    slack_channel="C1", slack_ts="1.1",
)  # fmt: skip
SECOND = replace(
    FIRST, id=117, state="replied", owner="Ann", brand="Tellumo", source="app-store", severity="medium",
    topic="billing",
    language="es", author="lucia.m", author_name=None, author_url=None, author_followers=None, rating=1.0,
    text="Me cobraron dos veces el mismo mes y nadie contesta. Muy amables, eso sí.", earlier_cases_30d=0,
    clock="stopped", met=True, first_response_at=NOW - timedelta(minutes=9), calendar_seconds=17 * 60 + 30,
    complaint_score=0.95, posted_at=NOW - timedelta(minutes=26, seconds=30),
    starts_at=NOW - timedelta(minutes=26, seconds=30), due_at=NOW + timedelta(minutes=33, seconds=30),
)  # fmt: skip


def mrkdwn(words: str) -> str:
    """HTML of what Slack would show. `words` come escaped for Slack, which is HTML's escaping too."""
    words = re.sub(r"<!date\^(\d+)\^[^|>]*\|[^>]*>", lambda m: f"{datetime.fromtimestamp(int(m[1]), UTC):%H:%M}", words)
    words = re.sub(r"<@(\w+)>|<!subteam\^(\w+)>", '<a href="#">@on-call</a>', words)
    words = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', words)
    words = re.sub(r":([a-z_]+):", lambda m: EMOJI[m[1]], words)
    words = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", words)
    words = re.sub(r"(?m)^(?:&gt;|>) ?(.*)$", r"<blockquote>\1</blockquote>", words)
    return (
        words.replace("</blockquote>\n", "</blockquote>")
        .replace("\n<blockquote>", "<blockquote>")
        .replace("\n", "<br>")
    )


def block(given: dict[str, Any]) -> str:
    if given["type"] == "section":
        return f'<div class="section">{mrkdwn(given["text"]["text"])}</div>'
    if given["type"] == "context":
        return f'<div class="context">{" ".join(mrkdwn(e["text"]) for e in given["elements"])}</div>'
    buttons = "".join(
        "<button>⋯</button>"
        if e["type"] == "overflow"
        else f'<button class="{e.get("style", "")}">{html.escape(e["text"]["text"])}</button>'
        for e in given["elements"]
    )
    return f'<div class="actions">{buttons}</div>'


def message(case: Case, at: str, thread: list[str]) -> str:
    shown = "".join(block(b) for b in root(case, NOW)[1])
    said = "".join(f"<div>{mrkdwn(line)}</div>" for line in thread)
    count = f"{len(thread)} replies" if len(thread) > 1 else "1 reply"
    return f"""<div class="message"><div class="face">fh</div><div>
      <span class="name">firsthour</span> <span class="app">APP</span> <span class="time">{at}</span>
      {shown}<div class="thread"><div class="count">{count}</div>{said}</div></div></div>"""


def page() -> str:
    took = happened(
        replace(SECOND, state="taken", clock="running"), "take", "Ann", NOW, {}, NOW - timedelta(minutes=23)
    )
    replied = happened(SECOND, "reply", "Ann", NOW, {}, NOW)
    reminder = asks(FIRST, "remind", None, NOW - timedelta(minutes=2))
    messages = message(SECOND, "13:56", [took, replied]) + message(FIRST, "14:00", [reminder])
    head = '<div class="channel"># complaints <span>· 4 people</span></div>'
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{head}{messages}"


def main() -> None:
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 720, "height": 200}, device_scale_factor=2)
        tab.set_content(page())
        tab.evaluate("document.fonts.ready")
        tab.screenshot(path=HERE / "alert.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
