"""Instagram: comments under an own account's posts, posts that tag it, and mentions. See docs/sources/instagram.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from monitor.errors import AuthError, GiveUp, Refused, RetryLater
from monitor.sources import instagram_posts as ig
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reply, SeenReply, first_of, gone
from monitor.sources.graph import Graph, GraphOptions
from monitor.sources.graph_hooks import hear
from monitor.sources.graph_threads import read_board, read_list
from monitor.sources.hooks import Call, CallRefused, Heard
from monitor.sources.http import MissingError
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch

_NEEDS = "instagram_basic, instagram_manage_comments and pages_read_engagement"
_MARGIN = timedelta(minutes=10)  # by which this machine's clock may be ahead of Instagram's


class Instagram:
    class Options(GraphOptions):
        account_id: str = Field(pattern=r"^\d+$", description="the professional account's number")
        tagged: bool = Field(True, description="read posts of others that tag the account")

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._graph = Graph(name, options, _NEEDS, "Instagram")
        self._lists = ("media", "tags") if options.tagged else ("media",)
        self.capabilities = Capabilities(
            reply=True,
            reply_limit=300,
            place="Instagram",
            sees_replies=True,
            hook=options.verify_token is not None,
            deletions=True,
            look_up=50,
            parents=50,
        )
        self._username: str | None = None

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        return self._graph.fetch(cursor, now, self._lists, self)

    def read(self, name: str, since: datetime, token: Any, now: datetime) -> Batch:
        if name == "media":
            return read_board(self, token, since, now - self._options.watch)
        answer = self._graph.get(f"/{self._options.account_id}/tags", {"fields": ig.TAGGED, "limit": 50}, token)
        return read_list(answer, ig.tag, since, linked=False)

    # the board of the account: monitor/sources/graph_threads.py

    def posts(self, after: str | None) -> Mapping[str, Any]:
        return self._graph.get(f"/{self._options.account_id}/media", {"fields": ig.MEDIA, "limit": 25}, after)

    def more(self, path: str, after: str) -> Mapping[str, Any]:
        fields = ig.ANSWER if path.endswith("/replies") else ig.COMMENT
        return self._graph.get(f"/{path}", {"fields": fields, "limit": 50}, after)

    def post(self, post: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        return None, ig.moment(post["timestamp"])

    def threads(self, post: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for kind in ("comments", "replies"):
            if isinstance(post.get(kind), dict):
                yield f"{post['id']}/{kind}", post[kind]

    def comment(self, path: str, comment: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        above, _, kind = path.partition("/")
        item = ig.comment(comment, above if kind == "replies" else f"{ig.OWN}{above}")
        return (None if self._ours(comment) else item), item.posted_at

    def _ours(self, comment: Mapping[str, Any]) -> bool:
        return ig.username(comment) == self._own_name()

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """Comments under the account's own posts. What stands under others' cannot be asked for by its id."""
        nodes = self._graph.each([each for each in external_ids if "/" not in each], ig.ANSWER)
        if None in nodes.values():
            # Meta says the same where a permission is missing; then this is refused too
            self._graph.get(f"/{self._options.account_id}/media", {"fields": "comments.limit(1){id}", "limit": 1})
        try:
            shown = [ig.comment(node, node.get("parent_id")) for node in nodes.values() if node]
        except UNREADABLE as error:
            raise RetryLater(f"sources.{self.name}: a comment is not readable: {error}") from error
        return (*shown, *(gone(name) for name, node in nodes.items() if node is None))

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """Comments, and the account's own posts."""
        own = {each.removeprefix(ig.OWN): each for each in external_ids if each.startswith(ig.OWN)}
        nodes = self._graph.each(list(own), ig.CAPTION)
        posts, _ = read_each([node for node in nodes.values() if node], lambda node: ig.post(node, own[node["id"]]))
        return (*posts, *self.look_up(external_ids))

    def check(self) -> str:
        for name in self._lists:
            self._graph.get(f"/{self._options.account_id}/{name}", {"fields": "id", "limit": 1})
        return f"reached as @{self._own_name()}"

    def _own_name(self) -> str:
        if self._username is None:
            name = self._graph.get(f"/{self._options.account_id}", {"fields": "username"}).get("username")
            if not isinstance(name, str):
                raise RetryLater(f"sources.{self.name}: the answer has no username")
            self._username = name
        return self._username

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """What the account answered to each comment under its own posts."""
        comments = [each for each in external_ids if "/" not in each] if accounts else []
        under = self._under(comments)
        firsts = {each: first_of((own.seen for own in found if own.to_it), besides) for each, found in under.items()}
        return {each: reply for each, reply in firsts.items() if reply is not None}

    def _under(self, comments: list[str]) -> dict[str, list[ig.Own]]:
        nodes = {each: node for each, node in self._graph.each(comments, ig.WITH_ANSWERS).items() if node}
        found = {each: ig.own_answers(node, self._own_name()) for each, node in nodes.items()}
        # an answer to an answer stands beside it, and begins with its author's name
        above = {each: str(node["parent_id"]) for each, node in nodes.items() if node.get("parent_id")}
        parents = self._graph.each(list(set(above.values())), ig.WITH_ANSWERS)
        for each, parent in above.items():
            found[each] += ig.own_answers(parents.get(parent), self._own_name(), to=ig.username(nodes[each]))
        return found

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        author, mentions = self._own_name(), f"/{self._options.account_id}/mentions"
        match reply.to.split("/"):
            case [comment]:
                external_id = self._graph.create(f"/{comment}/replies", message=reply.text)
            case ["mention", media]:
                external_id = self._graph.create(mentions, message=reply.text, media_id=media)
            case ["mention", media, comment]:
                external_id = self._graph.create(mentions, message=reply.text, media_id=media, comment_id=comment)
            case _:
                raise Refused("Instagram takes no comments on posts that tag you from other programs. Answer there.")
        return SeenReply(external_id, now, author)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        self._own_name()  # so that a reply after this is one call
        match reply.to.split("/"):
            case [comment]:
                answers = self._under([comment]).get(comment, [])
            case ["mention", media]:
                answers = self._beside_mention(media)
            case _:
                raise GiveUp("Instagram does not show what was answered to comments under others' posts.")
        same = [own for own in answers if own.words.split() == reply.text.split()]
        return next((own.seen for own in same if own.seen.at >= reply.since - _MARGIN), None)

    def _beside_mention(self, media: str) -> list[ig.Own]:
        fields = f"mentioned_media.media_id({media}){{comments{{{ig.ANSWER}}}}}"
        found = self._graph.get(f"/{self._options.account_id}", {"fields": fields}).get("mentioned_media")
        comments = found.get("comments") if isinstance(found, dict) else None
        return ig.own_answers({"replies": comments}, self._own_name())

    def barrier(self, mention: str) -> str | None:
        return None

    def hear(self, call: Call, now: datetime) -> Heard:
        account = self._options.account_id
        return hear(call, now, self._options, "instagram", account, self._heard)

    def _heard(self, field: str, value: dict[str, Any], at: datetime) -> Iterator[Item]:
        if field == "comments" and str(value["from"]["id"]) != self._options.account_id:
            media, parent = value.get("media"), value.get("parent_id")
            above = str(parent) if parent else f"{ig.OWN}{media['id']}" if isinstance(media, dict) else None
            yield ig.comment(value | {"timestamp": at.isoformat()}, above)
        elif field == "mentions":
            yield self._mention(str(value["media_id"]), value.get("comment_id"))

    def _mention(self, media: str, comment: Any) -> Item:
        """Instagram says only where the account was mentioned: the words are asked for while it waits."""
        if comment:
            kind, fields, name = "comment", ig.ANSWER, f"mention/{media}/{comment}"
        else:
            kind, fields, name = "media", ig.MENTIONED, f"mention/{media}"
        asked = f"mentioned_{kind}.{kind}_id({comment or media}){{{fields}}}"
        try:
            answer = self._graph.get(f"/{self._options.account_id}", {"fields": asked})
        except MissingError:
            raise ValueError(f"the mention under {media} is no longer there") from None
        except (RetryLater, AuthError) as error:
            raise CallRefused(503, f"the mention cannot be read just now: {error}") from error
        found = answer[f"mentioned_{kind}"]
        return ig.post(found, name, words="text" if comment else "caption")

    def close(self) -> None:
        self._graph.close()
