"""Facebook: what people write to a Page and about it. See docs/sources/facebook.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from monitor.errors import RetryLater
from monitor.sources import facebook_posts as fb
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, first_of
from monitor.sources.graph import Graph, GraphOptions
from monitor.sources.graph_hooks import hear
from monitor.sources.graph_threads import page, read_board
from monitor.sources.hooks import Call, Heard
from monitor.sources.http import MissingError
from monitor.sources.recheck import one_by_one, rechecking
from monitor.sources.walk import Batch, walk

_NEEDS = "pages_read_engagement, pages_read_user_content, and to reply pages_manage_engagement"
_AGAIN = 5  # items that are looked at again at each poll
_AT_ONCE = 50  # ids of one request
_MARGIN = timedelta(minutes=10)  # by which this machine's clock may be ahead of Facebook's
_ANSWERS = "comments.order(reverse_chronological).limit(25){id,message,created_time,from{id,name},message_tags}"


class Facebook:
    class Options(GraphOptions):
        page_id: str = Field(pattern=r"^\d+$", description="the Page's number")
        ratings: bool = Field(True, description="read recommendations of the Page")
        tagged: bool = Field(True, description="read posts of others that tag the Page")

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._graph = Graph(name, options, _NEEDS, "Facebook")
        self._lists = ("feed", *(key for key in ("tagged", "ratings") if getattr(options, key)))
        self.capabilities = Capabilities(
            reply=True,
            reply_limit=8_000,
            place="Facebook",
            sees_replies=True,
            hook=options.verify_token is not None,
            edits=True,
            deletions=True,
        )
        self._page_name: str | None = None
        self._resume_at: datetime | None = None

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        if self._resume_at and now < self._resume_at:
            raise RetryLater(f"sources.{self.name}: Facebook's limit is used up", self._resume_at - now)

        def read(cursor: Cursor | None) -> Page:
            first = int((now - self._options.lookback).timestamp())
            return walk(
                cursor,
                self._lists,
                first,
                int(now.timestamp()),
                lambda name, mark, token: self._read(name, mark, token, now),
            )

        found = rechecking(cursor, now, self._options.recheck, _AGAIN, read, self._look_again)
        self._resume_at = now + self._graph.pause if self._graph.pause else None
        return found

    def _read(self, name: str, mark: int, token: Any, now: datetime) -> Batch:
        since = datetime.fromtimestamp(mark, UTC) - self._options.lag
        if name == "feed":
            return read_board(self, token, since, now - self._options.watch)
        fields = fb.RATING if name == "ratings" else fb.POST
        place = {"after": token} if token else {}
        found, after = page(
            self._graph.get(f"/{self._options.page_id}/{name}", {"fields": fields, "limit": 50, **place})
        )
        items: list[Item] = []
        rejects = []
        dates = []
        for each in found:
            try:
                item = fb.rating(each) if name == "ratings" else fb.post(each, "tag")
                dates.append(fb.moment(each["created_time"]))
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", str(each)[:2_000]))
                continue
            if item is not None:
                items.append(item)
        older = after if dates and max(dates) >= since else None
        seconds = [int(item.posted_at.timestamp()) for item in items]
        return Batch(tuple(items), max(seconds, default=None), older, tuple(rejects))

    # the board of the Page: monitor/sources/graph_threads.py

    def posts(self, after: str | None) -> Mapping[str, Any]:
        place = {"after": after} if after else {}
        fields = f"{fb.POST},{fb.THREAD}"
        return self._graph.get(f"/{self._options.page_id}/feed", {"fields": fields, "limit": 25, **place})

    def more(self, path: str, after: str) -> Mapping[str, Any]:
        asked: dict[str, str | int] = {
            "filter": "stream",
            "order": "reverse_chronological",
            "fields": fb.COMMENT,
            "limit": 100,
        }
        return self._graph.get(f"/{path}", asked | {"after": after})

    def post(self, post: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        item = fb.post(post)
        return (None if self._ours(post) else item), item.posted_at

    def threads(self, post: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if isinstance(post.get("comments"), dict):
            yield f"{post['id']}/comments", post["comments"]

    def comment(self, path: str, comment: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        item = fb.comment(comment, path.partition("/")[0])
        return (None if self._ours(comment) else item), item.posted_at

    def _ours(self, found: Mapping[str, Any]) -> bool:
        return fb.sender(found)[0] == self._options.page_id

    def _look_again(self, asked: dict[str, datetime]) -> tuple[Sequence[Item], Sequence[Reject]]:
        """Recommendations and what others post elsewhere cannot be asked for by themselves."""
        here = {each: at for each, at in asked.items() if _is_comment(each) or each.startswith("post/")}
        return one_by_one(here, self._item)

    def _item(self, external_id: str) -> Item | None:
        """The item as Facebook shows it now; None where it does so no more."""
        try:
            fields = fb.COMMENT if _is_comment(external_id) else fb.POST
            found = self._graph.get(f"/{fb.node(external_id)}", {"fields": fields})
            return fb.comment(found) if _is_comment(external_id) else fb.post(found)
        except MissingError:
            return None
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise RetryLater(f"sources.{self.name}: {external_id} is not readable: {error}") from error

    def check(self) -> str:
        for name in self._lists:
            self._graph.get(
                f"/{self._options.page_id}/{name}",
                {"fields": "id" if name != "ratings" else "created_time", "limit": 1},
            )
        return f"reached as {self._own_name()}: {', '.join(self._lists)}"

    def _own_name(self) -> str:
        if self._page_name is None:
            self._page_name = str(self._graph.get(f"/{self._options.page_id}", {"fields": "name"}).get("name"))
        return self._page_name

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """What the Page wrote under each, in whoever's name its people are signed in."""
        comments = [each for each in external_ids if _is_comment(each)]
        posts = [each for each in external_ids if not _is_comment(each)]
        found: dict[str, SeenReply] = {}
        for wanted in (posts, comments) if accounts else ():
            for start in range(0, len(wanted), _AT_ONCE):
                for external_id, answers in self._under(wanted[start : start + _AT_ONCE]).items():
                    reply = first_of((own.seen for own in answers if own.to_it), besides)
                    if reply is not None:
                        found[external_id] = reply
        return found

    def _under(self, external_ids: list[str]) -> dict[str, list[_Own]]:
        """The Page's own comments under each, with their words; all posts or all comments."""
        fields = f"from{{id}},{_ANSWERS},parent{{id,{_ANSWERS}}}" if _is_comment(external_ids[0]) else _ANSWERS
        nodes = {fb.node(each): each for each in external_ids}
        try:
            answer = self._graph.get("/", {"ids": ",".join(nodes), "fields": fields})
        except MissingError:  # one that is gone spoils the answer for all
            if len(external_ids) == 1:
                return {}
            return {each: own for one in external_ids for each, own in self._under([one]).items()}
        return {each: self._own(answer.get(name)) for name, each in nodes.items()}

    def _own(self, found: Any) -> list[_Own]:
        """An answer to a comment that is an answer itself stands beside it, not below; it may tag its author."""
        author = fb.sender(found)[0] if isinstance(found, dict) else None
        beside = _data(found.get("parent")) if isinstance(found, dict) else []
        near = [(each, True) for each in _data(found)] + [(each, author in _tags(each)) for each in beside]
        own = []
        for each, to_it in near:
            if self._ours(each):
                try:
                    own.append(_Own(self._seen(each), str(each.get("message")), to_it))
                except (KeyError, TypeError, ValueError):
                    continue
        return own

    def _seen(self, comment: Mapping[str, Any]) -> SeenReply:
        external_id = str(comment["id"])
        who = fb.sender(comment)[1].name or ""
        return SeenReply(external_id, fb.moment(comment["created_time"]), who, f"{fb.SITE}/{external_id}")

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        author = self._own_name()
        external_id = self._graph.create(f"/{fb.node(reply.to)}/comments", message=reply.text)
        return SeenReply(external_id, now, author, f"{fb.SITE}/{external_id}")

    def find_reply(self, reply: Reply) -> SeenReply | None:
        self._own_name()  # so that a reply after this is one call
        for own in self._under([reply.to]).get(reply.to, ()):
            if own.words.split() == reply.text.split() and own.seen.at >= reply.since - _MARGIN:
                return own.seen
        return None

    def barrier(self, mention: str) -> str | None:
        return None

    def hear(self, call: Call, now: datetime) -> Heard:
        page_id = self._options.page_id
        return hear(
            call, now, self._options, "page", page_id, lambda field, value, at: fb.heard(field, value, at, page_id)
        )

    def close(self) -> None:
        self._graph.close()


@dataclass(frozen=True, slots=True)
class _Own:
    """A comment of the Page, its words, and whether it surely answers what was asked for."""

    seen: SeenReply
    words: str
    to_it: bool


def _is_comment(external_id: str) -> bool:
    return "/" not in external_id


def _data(found: Any) -> list[Mapping[str, Any]]:
    comments = found.get("comments") if isinstance(found, dict) else None
    data = comments.get("data") if isinstance(comments, dict) else None
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def _tags(comment: Mapping[str, Any]) -> list[str | None]:
    tags = comment.get("message_tags")
    return [str(tag["id"]) for tag in tags if isinstance(tag, dict) and "id" in tag] if isinstance(tags, list) else []
