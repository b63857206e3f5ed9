"""Instagram: comments under an own account's posts, posts that tag it, and mentions. See docs/sources/instagram.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field

from monitor.errors import AuthError, GiveUp, Refused, RetryLater
from monitor.sources import instagram_posts as ig
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, first_of
from monitor.sources.graph import Graph, GraphOptions
from monitor.sources.graph_hooks import hear
from monitor.sources.graph_threads import page, read_board
from monitor.sources.hooks import Call, CallRefused, Heard
from monitor.sources.http import MissingError
from monitor.sources.recheck import one_by_one, rechecking
from monitor.sources.walk import Batch, walk

_NEEDS = "instagram_basic, instagram_manage_comments and pages_read_engagement"
_AGAIN = 5  # comments that are looked at again at each poll
_AT_ONCE = 50  # ids of one request
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
        )
        self._username: str | None = None
        self._resume_at: datetime | None = None

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        if self._resume_at and now < self._resume_at:
            raise RetryLater(f"sources.{self.name}: Instagram's limit is used up", self._resume_at - now)
        self._own_name()

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
        if name == "media":
            return read_board(self, token, since, now - self._options.watch)
        place = {"after": token} if token else {}
        asked = {"fields": ig.TAGGED, "limit": 50, **place}
        found, after = page(self._graph.get(f"/{self._options.account_id}/tags", asked), linked=False)
        items, rejects = [], []
        for each in found:
            try:
                items.append(ig.post(each, f"tag/{each['id']}"))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", str(each)[:2_000]))
        older = after if items and max(item.posted_at for item in items) >= since else None
        seconds = [int(item.posted_at.timestamp()) for item in items]
        return Batch(tuple(items), max(seconds, default=None), older, tuple(rejects))

    # the board of the account: monitor/sources/graph_threads.py

    def posts(self, after: str | None) -> Mapping[str, Any]:
        place = {"after": after} if after else {}
        return self._graph.get(f"/{self._options.account_id}/media", {"fields": ig.MEDIA, "limit": 25, **place})

    def more(self, path: str, after: str) -> Mapping[str, Any]:
        fields = ig.ANSWER if path.endswith("/replies") else ig.COMMENT
        return self._graph.get(f"/{path}", {"fields": fields, "limit": 50, "after": after})

    def post(self, post: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        return None, ig.moment(post["timestamp"])

    def threads(self, post: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for kind in ("comments", "replies"):
            if isinstance(post.get(kind), dict):
                yield f"{post['id']}/{kind}", post[kind]

    def comment(self, path: str, comment: Mapping[str, Any]) -> tuple[Item | None, datetime]:
        above, _, kind = path.partition("/")
        item = ig.comment(comment, above if kind == "replies" else f"media/{above}")
        return (None if self._ours(comment) else item), item.posted_at

    def _ours(self, comment: Mapping[str, Any]) -> bool:
        return ig.username(comment) == self._own_name()

    def _look_again(self, asked: dict[str, datetime]) -> tuple[Sequence[Item], Sequence[Reject]]:
        """What stands under others' posts cannot be asked for by itself."""
        return one_by_one({each: at for each, at in asked.items() if "/" not in each}, self._item)

    def _item(self, external_id: str) -> Item | None:
        try:
            return ig.comment(self._graph.get(f"/{external_id}", {"fields": ig.ANSWER}), None)
        except MissingError:
            return None
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RetryLater(f"sources.{self.name}: {external_id} is not readable: {error}") from error

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
        found: dict[str, SeenReply] = {}
        for start in range(0, len(comments), _AT_ONCE):
            for external_id, answers in self._under(comments[start : start + _AT_ONCE]).items():
                reply = first_of((own.seen for own in answers if own.to_it), besides)
                if reply is not None:
                    found[external_id] = reply
        return found

    def _under(self, comments: list[str]) -> dict[str, list[ig.Own]]:
        try:
            answer = self._graph.get("/", {"ids": ",".join(comments), "fields": ig.WITH_ANSWERS})
        except MissingError:  # one that is gone spoils the answer for all
            if len(comments) == 1:
                return {}
            return {each: own for one in comments for each, own in self._under([one]).items()}
        found = {each: ig.own_answers(answer.get(each), self._own_name()) for each in comments}
        for each in comments:
            # an answer to an answer stands beside it, and begins with its author's name
            parent = answer[each].get("parent_id") if isinstance(answer.get(each), dict) else None
            if parent and not found[each]:
                beside = self._graph.get(f"/{parent}", {"fields": ig.WITH_ANSWERS})
                found[each] = ig.own_answers(beside, self._own_name(), to=ig.username(answer[each]))
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
            above = str(parent) if parent else f"media/{media['id']}" if isinstance(media, dict) else None
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
