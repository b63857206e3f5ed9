"""An instance of Mastodon on loopback: timelines, search, notifications, posts, and its stream."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.contract import NOW, Answer
from monitor.sources.mastodon import Mastodon
from tests.sources.fakes import LoopbackService, Post
from tests.sources.wire import Wire

LONGEST = 600  # not Mastodon's usual 500


class FakeMastodon(LoopbackService):
    """Lists hold what has the tag or word; a plain `post` has the tag #acme, as its text says "acme"."""

    page_size = 40
    lag = timedelta(minutes=30)

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.wire = Wire(lambda: self._trouble, ready=2)  # it subscribes to a tag and to notifications
        self.streaming = True
        self.has_batches = True
        self.gone: set[str] = set()
        self.keys: dict[str, str] = {}

    def build(self, **options: Any) -> Mastodon:
        given = {"base_url": self.url, "access_token": "secret", "hashtags": ["acme"], "search": False} | options
        source = Mastodon("mastodon", Mastodon.Options(**given), ("acme",))
        source.silence = 2.0
        return source

    def close(self) -> None:
        super().close()
        self.wire.close()

    def new_id(self, at: datetime) -> str:
        """Opaque: neither a number nor in the order of time."""
        return f"01H{int(super().new_id(at)) * 7919 % 1_000_003:07d}Z"

    # what happens

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        external_id = super().post(text, at, author, parent, **more)
        self._tell("update", json.dumps(self.status(self.posts[external_id])))
        return external_id

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        super().edit(external_id, text, at)
        self._tell("status.update", json.dumps(self.status(self.posts[external_id])))

    def remove(self, external_id: str) -> None:
        self.gone.add(external_id)
        self._tell("delete", external_id)

    def garble(self, at: datetime) -> None:
        self.post("acme", at, created_at=None)

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.post("@ann we are sorry", at, account, parent=external_id)

    def replies(self, external_id: str) -> list[str]:
        return [text.removeprefix("@ann ") for text in super().replies(external_id)]

    def _tell(self, event: str, payload: str) -> None:
        if self.wire.paths:
            self.wire.connected()
        self.wire.say(json.dumps({"stream": ["hashtag", "acme"], "event": event, "payload": payload}))

    def cut(self) -> None:
        self.wire.connected()
        self.wire.cut()
        self.wire.paths.clear()

    def hush(self) -> None:
        self.wire.connected()
        self.wire.hush()

    def double(self) -> None:
        self.wire.times = 2

    def noise(self) -> None:
        self.wire.connected()
        for words in ("}{", "[]", "7", '{"event": 7}', '{"payload": "x"}', '{"event": "update", "payload": "{"}'):
            self.wire.say(words)
        self.wire.say(json.dumps({"event": "update", "payload": json.dumps({"id": "1"})}))
        self.wire.say(json.dumps({"event": "filters_changed"}))

    # how it is told

    def status(self, post: Post) -> dict[str, Any]:
        content = "".join(f"<p>{html.escape(part)}</p>" for part in post.text.split("\n\n"))
        return {
            "id": post.id,
            "uri": f"{self.url}/users/{post.author}/statuses/{post.id}",
            "url": f"{self.url}/@{post.author}/{post.id}",
            "created_at": post.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "in_reply_to_id": post.parent,
            "in_reply_to_account_id": None,
            "visibility": "public",
            "spoiler_text": "",
            "language": "en",
            "content": content,
            "account": self.account(post.author),
            "media_attachments": [],
            "mentions": [],
            "favourites_count": 3,
            "reblogs_count": 2,
            "replies_count": 1,
            **post.more,
        }

    def account(self, name: str) -> dict[str, Any]:
        return {
            "id": f"acc-{name}",
            "username": name,
            "acct": name,
            "display_name": name,
            "url": f"{self.url}/@{name}",
            "followers_count": 12,
        }

    def respond(self, request: Request) -> Any:
        path = request.path.removeprefix("/api/").rstrip("/")
        if request.headers.get("authorization") not in ("Bearer secret", None):
            return Response('{"error": "The access token is invalid"}', 401)
        if path == "v2/instance":
            streaming = {"urls": {"streaming": self.wire.url}} if self.streaming else {}
            about = {"statuses": {"max_characters": LONGEST}} | streaming
            return {"domain": "fake.example", "title": "Fake", "version": "4.5.0", "configuration": about}
        if path == "v1/accounts/verify_credentials":
            return self.account("acmehelp")
        if path == "v1/accounts/lookup":
            return self.account(request.args["acct"]) if request.args["acct"] != "elsewhere" else self._missing()
        if tag := re.fullmatch(r"v1/timelines/tag/(\w+)", path):
            return self._list(request, tag[1])
        if path == "v1/timelines/public":
            return self._list(request, "")
        if path == "v2/search":
            return {"statuses": self._list(request, request.args["q"].strip('"')), "accounts": [], "hashtags": []}
        if path == "v1/notifications":
            entries = self._list(request, "@acmehelp", "n")
            return [
                {"id": f"n{each['id']}", "type": "mention", "created_at": each["created_at"], "status": each}
                for each in entries
            ]
        if owned := re.fullmatch(r"v1/accounts/acc-(\w+)/statuses", path):
            return self._list(request, "", author=owned[1])
        if path == "v1/statuses" and request.method == "GET":
            return self._batch(request)
        if path == "v1/statuses":
            return self._posted(request)
        found = self.posts.get(path.removeprefix("v1/statuses/"))
        return self.status(found) if found and found.id not in self.gone else self._missing()

    def _list(self, request: Request, word: str, prefix: str = "", author: str | None = None) -> list[dict[str, Any]]:
        shown = [
            post
            for post in sorted(self.posts.values(), key=lambda post: (post.at, post.id), reverse=True)
            if post.id not in self.gone
            and (author is None or post.author == author)
            and (author is not None or not post.text.startswith("@ann "))
            and (word != "acme" or not post.text.startswith("@acmehelp"))
            and word.lower() in post.text.lower()
        ]
        if older := request.args.get("max_id"):
            ids = [post.id for post in shown]
            shown = shown[ids.index(older.removeprefix(prefix)) + 1 :]
        return [self.status(post) for post in shown[: int(request.args["limit"])]]

    def _batch(self, request: Request) -> Any:
        if not self.has_batches:
            return self._missing()
        ids = request.args.getlist("id[]")
        assert 0 < len(ids) <= 20
        return [self.status(self.posts[each]) for each in ids if each in self.posts and each not in self.gone]

    def _posted(self, request: Request) -> Any:
        to, key = request.form["in_reply_to_id"], request.headers["Idempotency-Key"]
        if to not in self.posts or to in self.locked:
            return Response('{"error": "Validation failed: the post cannot be answered"}', 422)
        if len(request.form["status"]) > LONGEST:
            return Response('{"error": "Validation failed: Text character limit exceeded"}', 422)
        if key not in self.keys:
            self.keys[key] = super().post(request.form["status"], NOW, "acmehelp", parent=to)
        return self.status(self.posts[self.keys[key]])

    def _missing(self) -> Response:
        return Response('{"error": "Record not found"}', 404)

    def spared(self, request: Request) -> bool:
        """The post that is answered is read first; trouble is to meet the answer itself."""
        return request.method == "GET" and re.fullmatch(r"/api/v1/statuses/\w+", request.path) is not None

    def takes_replies(self, request: Request) -> bool:
        return request.method == "POST"

    def answer(self, answer: Answer | None) -> None:
        self._trouble = answer
