"""Facebook: what people write to a Page and about it. See docs/sources/facebook.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from monitor.errors import RetryLater
from monitor.sources import facebook_posts as fb
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reply, SeenReply, first_of, gone
from monitor.sources.graph import Graph, GraphOptions
from monitor.sources.graph_hooks import hear
from monitor.sources.graph_threads import read_board, read_list
from monitor.sources.hooks import Call, Heard
from monitor.sources.rejects import UNREADABLE
from monitor.sources.walk import Batch

_NEEDS = "pages_read_engagement, pages_read_user_content, and to reply pages_manage_engagement"
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
            look_up=50,
            parents=50,
        )
        self._page_name: str | None = None

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        return self._graph.fetch(cursor, now, self._lists, self)

    def read(self, name: str, since: datetime, token: Any, now: datetime) -> Batch:
        if name == "feed":
            return read_board(self, token, since, now - self._options.watch)
        fields = fb.RATING if name == "ratings" else fb.POST
        answer = self._graph.get(f"/{self._options.page_id}/{name}", {"fields": fields, "limit": 50}, token)
        return read_list(answer, fb.rating if name == "ratings" else fb.tag, since)

    # the board of the Page: monitor/sources/graph_threads.py

    def posts(self, after: str | None) -> Mapping[str, Any]:
        return self._graph.get(
            f"/{self._options.page_id}/feed", {"fields": f"{fb.POST},{fb.THREAD}", "limit": 25}, after
        )

    def more(self, path: str, after: str) -> Mapping[str, Any]:
        order = {"filter": "stream", "order": "reverse_chronological"}
        return self._graph.get(f"/{path}", {"fields": fb.COMMENT, "limit": 100, **order}, after)

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
        return fb.author(found).handle == self._options.page_id

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """What stands on the Page: others' posts elsewhere, and recommendations, cannot be asked for by their ids."""
        comments = [each for each in external_ids if _is_comment(each)]
        posts = {fb.node(each): each for each in external_ids if each.startswith("post/")}
        nodes = self._graph.each(comments, fb.COMMENT) | self._graph.each(list(posts), fb.POST)
        if None in nodes.values():
            # Meta says the same where a permission is missing; then this is refused too
            self._graph.get(f"/{self._options.page_id}/feed", {"fields": "comments.limit(1){id}", "limit": 1})
        try:
            shown = [fb.post(node) if name in posts else fb.comment(node) for name, node in nodes.items() if node]
        except UNREADABLE as error:
            raise RetryLater(f"sources.{self.name}: a comment is not readable: {error}") from error
        return (*shown, *(gone(posts.get(name, name)) for name, node in nodes.items() if node is None))

    parents = look_up

    def check(self) -> str:
        for name in self._lists:
            self._graph.get(f"/{self._options.page_id}/{name}", {"fields": "created_time", "limit": 1})
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
        under = (self._under(posts) | self._under(comments)) if accounts else {}
        firsts = {each: first_of((own.seen for own in found if own.to_it), besides) for each, found in under.items()}
        return {each: reply for each, reply in firsts.items() if reply is not None}

    def _under(self, external_ids: list[str]) -> dict[str, list[_Own]]:
        """The Page's own comments under each, all posts or all comments."""
        comments = any(_is_comment(each) for each in external_ids)
        fields = f"from{{id}},{_ANSWERS},parent{{id,{_ANSWERS}}}" if comments else _ANSWERS
        nodes = {fb.node(each): each for each in external_ids}
        return {nodes[name]: self._own(node) for name, node in self._graph.each(list(nodes), fields).items() if node}

    def _own(self, found: Mapping[str, Any]) -> list[_Own]:
        """An answer to a comment that is an answer itself stands beside it, not below; it may tag its author."""
        author, beside = fb.author(found).handle, _data(found.get("parent"))
        near = [(each, True) for each in _data(found)] + [(each, author in _tags(each)) for each in beside]
        own = []
        for each, to_it in near:
            if self._ours(each):
                try:
                    own.append(_Own(self._seen(each), str(each.get("message")), to_it))
                except UNREADABLE:
                    continue
        return own

    def _seen(self, comment: Mapping[str, Any]) -> SeenReply:
        external_id = str(comment["id"])
        who = fb.author(comment).name or ""
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


def _tags(comment: Mapping[str, Any]) -> list[str]:
    tags = comment.get("message_tags")
    return [str(tag["id"]) for tag in tags if isinstance(tag, dict) and "id" in tag] if isinstance(tags, list) else []
