"""What some services put around the author's words in their feeds. See docs/sources/rss.md."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from monitor.sources.base import Engagement, engagement

_LEMMY = re.compile(r"submitted by [^\n]+ to [^\n]+\n(-?\d+) points \| (\d+) comments(?:\n|$)")
_DISCOURSE = re.compile(r"\n\d+ (?:post|posts) - \d+ (?:participant|participants)\nRead full topic$")
_BETWEEN = re.compile(r"[\s\-–—|·:]+")  # what stands between a headline and its paper


def true_link(link: str) -> str:
    """The page that Google's redirects in the feeds of Google Alerts lead to; any other address as it is."""
    parts = urlsplit(link)
    if re.fullmatch(r"(?:www\.)?google\.[a-z.]{2,6}", parts.hostname or "") and parts.path == "/url":
        query = parse_qs(parts.query)
        for target in query.get("url", []) + query.get("q", []):
            if target.startswith(("http://", "https://")):
                return target
    return link


def own_words(body: str) -> tuple[str, Engagement | None]:
    """The body without what Lemmy puts before it and Discourse behind it, and the counts that stood there."""
    if lemmy := _LEMMY.match(body):
        return body[lemmy.end() :], engagement(int(lemmy[1]), answers=int(lemmy[2]))
    return _DISCOURSE.sub("", body), None


def joined(title: str, body: str) -> str:
    """Title and body, the title once: the body may begin with it, or be nothing else in another type."""
    head, whole = _BETWEEN.sub("", title), _BETWEEN.sub("", body)
    if head == whole:
        return title
    return body if whole.startswith(head) else f"{title}\n{body}".strip()
