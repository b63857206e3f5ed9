"""Posts as X's API gives them, made into items. Every edit is a post of its own on X; here they are one item."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.sources.base import Author, Engagement, Item, Reject
from monitor.sources.walk import Batch

_EPOCH_MS = 1_288_834_974_657  # of X's ids: their upper bits count milliseconds from here
_LANGUAGES = {"in": "id", "iw": "he", "ji": "yi"}  # X's old codes
SHOWN: dict[str, Any] = {
    "expansions": ["attachments.media_keys", "author_id"],
    "media_fields": ["preview_image_url", "url"],
    "tweet_fields": [
        *("attachments", "conversation_id", "edit_history_tweet_ids", "lang", "note_tweet", "public_metrics"),
        "referenced_tweets",
    ],
    "user_fields": ["name", "public_metrics", "username"],
}
WORDS: dict[str, Any] = {"tweet_fields": ["note_tweet"]}
FIELDS = SHOWN | {"max_results": 100}
_NOT_SHOWN = ("resource-not-found", "not-authorized-for-resource")  # deleted; protected, suspended


def batch(answer: dict[str, Any]) -> Batch:
    users, media = users_of(answer), _media(answer)
    items, rejects, newest = [], [], 0
    for tweet in as_list(answer.get("data")):
        try:
            newest = max(newest, int(tweet["id"]))
            if referenced(tweet, "retweeted") is None:
                items.append(item(tweet, users, media))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            rejects.append(Reject(f"{type(error).__name__}: {error}", str(tweet)[:2_000]))
    token = as_dict(answer.get("meta")).get("next_token")
    return Batch(tuple(items), newest or None, str(token) if token else None, tuple(rejects))


def item(tweet: dict[str, Any], users: Mapping[str, dict[str, Any]], media: Mapping[str, str]) -> Item:
    """Every edit is a post of its own on X; here they are one item under the id of the first."""
    history = as_list(tweet.get("edit_history_tweet_ids"), str)
    original = min([int(each) for each in history] + [int(tweet["id"])])
    user = as_dict(users.get(str(tweet.get("author_id"))))
    handle = user.get("username")
    followers = _counts(user).get("followers_count")
    counts = _counts(tweet)
    shares = [counts[name] for name in ("retweet_count", "quote_count") if name in counts]
    text = as_dict(tweet.get("note_tweet")).get("text") or tweet["text"]
    language = str(tweet.get("lang") or "")
    return Item(
        external_id=str(original),
        text=html.unescape(text),
        posted_at=posted_at(original),
        url=post_url(handle, str(tweet["id"])),
        author=Author(
            handle=handle,
            name=user.get("name"),
            url=f"https://x.com/{handle}" if handle else None,
            followers=followers,
        ),
        language=_LANGUAGES.get(language, language if re.fullmatch("[a-z]{2}", language) else None),
        conversation=str(tweet.get("conversation_id") or original),
        parent=referenced(tweet, "replied_to"),
        media=tuple(
            media[key] for key in as_list(as_dict(tweet.get("attachments")).get("media_keys"), str) if key in media
        ),
        engagement=Engagement(
            counts.get("like_count"),
            sum(shares) if shares else None,
            counts.get("reply_count"),
            counts.get("impression_count"),
        ),
    )


def edited(answer: dict[str, Any]) -> list[str]:
    """The last versions of posts of which an answer of /2/tweets holds an earlier one."""
    tweets = as_list(answer.get("data"))
    latest = {max(as_list(tweet.get("edit_history_tweet_ids"), str), key=int, default="") for tweet in tweets}
    return sorted(latest - {"", *(str(tweet.get("id")) for tweet in tweets)})


def looked_up(answer: dict[str, Any], again: dict[str, Any], wanted: frozenset[str]) -> tuple[Item, ...]:
    """The `wanted` posts as the answers of /2/tweets show them, those of `again` before those of `answer`."""
    found = {item.external_id: item for each in (answer, again) for item in batch(each).items}
    for error in as_list(answer.get("errors")):
        external_id = str(error.get("resource_id") or error.get("value"))
        if external_id in wanted - found.keys() and str(error.get("type")).endswith(_NOT_SHOWN):
            found[external_id] = Item(external_id, "", posted_at(int(external_id)), removed=True)
    return tuple(item for item in found.values() if item.external_id in wanted)


def as_asked(answer: dict[str, Any]) -> tuple[Item, ...]:
    """The posts of an answer under the ids by which they were asked for: an edited one has several."""
    found = ((tweet, batch({"data": [tweet]}).items) for tweet in as_list(answer.get("data")))
    return tuple(replace(each, external_id=str(tweet["id"])) for tweet, items in found for each in items)


def _counts(of: dict[str, Any]) -> dict[str, int]:
    given = as_dict(of.get("public_metrics"))
    return {name: count for name, count in given.items() if isinstance(count, int) and not isinstance(count, bool)}


def _media(answer: dict[str, Any]) -> dict[str, str]:
    """The addresses of pictures, and of the first picture of films, by their keys."""
    found = {}
    for each in as_list(as_dict(answer.get("includes")).get("media")):
        link = each.get("url") or each.get("preview_image_url")
        if isinstance(link, str):
            found[str(each.get("media_key"))] = link
    return found


def users_of(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(user.get("id")): user for user in as_list(as_dict(answer.get("includes")).get("users"))}


def referenced(tweet: dict[str, Any], kind: str) -> str | None:
    for reference in as_list(tweet.get("referenced_tweets")):
        if reference.get("type") == kind:
            return str(reference.get("id"))
    return None


def post_url(handle: str | None, external_id: str) -> str:
    return f"https://x.com/{handle or 'i'}/status/{external_id}"


def posted_at(external_id: int) -> datetime:
    return datetime.fromtimestamp(((external_id >> 22) + _EPOCH_MS) / 1000, UTC)


def id_at(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000) - _EPOCH_MS) << 22


def ids_in(time: timedelta) -> int:
    return int(time.total_seconds() * 1000) << 22


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any, of: type = dict) -> list[Any]:
    return [each for each in value if isinstance(each, of)] if isinstance(value, list) else []
