"""Text from outside, made harmless for Slack: nobody is pinged, nothing is disguised, nothing grows without end."""

from __future__ import annotations

import regex

_BREAK = regex.compile(r"\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
# Controls, invisible characters, direction overrides, tag characters, lone surrogates.
_UNSEEN = regex.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# Joiners belong between letters of scripts that need them and inside emoji; next to ASCII they only hide things.
_STRAY_JOINER = regex.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")
_HOST = regex.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}")  # what people would take for the name of a website
_GRAPHEME = regex.compile(r"\X")
_LONGEST_GRAPHEME = 16  # code points; the longest emoji in use have 10, stacked accents have thousands
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "\u02cb"}  # a code fence would run on past its quote


def visible(text: str) -> str:
    """`text` with nothing unseen in it, and every kind of line break as a newline."""
    return _STRAY_JOINER.sub("", _UNSEEN.sub("", _BREAK.sub("\n", text)))


def cut(text: str, limit: int, escaped: bool = True) -> str:
    """At most `limit` characters of the visible `text`, cut between graphemes; a cut one ends in "…". With `escaped`
    the result is Slack mrkdwn in which nothing but plain letters is left, and `limit` counts it as Slack does."""
    taken, more = visible(text[: limit * 8]).strip(), len(text) > limit * 8
    parts, used = [], 0
    for match in _GRAPHEME.finditer(taken):
        part = match.group()[:_LONGEST_GRAPHEME]
        if escaped:
            part = "".join(_ENTITIES.get(c, c) for c in part)
        if used + len(part) > limit - 1:
            more = more or match.end() < len(taken) or used + len(part) > limit
            if more:
                break
        parts.append(part)
        used += len(part)
    return "".join(parts).rstrip() + ("…" if more else "")


def line(text: str | None, limit: int) -> str:
    """`cut`, on one line."""
    return cut(" ".join((text or "").split()), limit)


def quote(text: str, limit: int, lines: int = 12) -> str:
    """`text` as a Slack block quote that it cannot leave: every line of it, at most `lines`, begins with ">"."""
    rows = [row.strip() for row in cut(text, limit - 2 * lines).split("\n")]
    rows = [row for row in rows if row] or ["(no text)"]
    if len(rows) > lines:
        rows = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    return "\n".join(f">{row}" for row in rows)


def link(url: str | None, label: str) -> str:
    """A Slack link to `url`, or the label alone when the address is none that a browser should open. `label` is
    already mrkdwn; one that reads like the address of another place stands beside its link, not on it."""
    place = address(url)
    if place is None:
        return label
    host = regex.split(r"[/?#]", place)[2].rpartition("@")[2].partition(":")[0].lower().removeprefix("www.")
    shown = label.replace("|", "/")
    if any(name.lower().removeprefix("www.") != host for name in _HOST.findall(shown)):
        return f"{shown} <{place}|↗>"
    return f"<{place}|{shown}>"


def address(url: str | None) -> str | None:
    """`url` if it is a plain web address of a length that Slack takes, safe inside `<...>`."""
    if url is None or len(url) > 2000 or not regex.fullmatch(r"https?://[^\s<>|\"\x00-\x1f\x7f]+", url):
        return None
    return None if _UNSEEN.search(url) else url.replace("&", "&amp;")
