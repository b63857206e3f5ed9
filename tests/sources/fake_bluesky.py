"""Bluesky on loopback: an account's server with sign-in, search, notifications, posts; and Jetstream."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.bluesky import Bluesky
from monitor.sources.bluesky_posts import POSTS
from tests.sources.fakes import LoopbackService, Post
from tests.sources.wire import Wire

DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
OWN = "did:plc:acmehelp"
CID = "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"


def tid(at: datetime, number: int) -> str:
    value = (int(at.timestamp() * 1_000_000) << 10) + number
    return "".join(DIGITS[(value >> shift) & 31] for shift in range(60, -1, -5))


class FakeBluesky(LoopbackService):
    page_size = 100
    lag = timedelta(minutes=15)

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.wire = Wire(lambda: self._trouble)
        self.gone: set[str] = set()
        self.notified: dict[str, str] = {}  # by address: the reason
        self.tokens = count(1)
        self.valid: set[str] = set()
        self.sign_ins = self.refreshes = 0
        self.refreshable = True
        self.late: dict[str, int] = {}  # posts that the AppView does not have for so many questions yet
        self.heeds_since = False
        self._author = "ann"

    def build(self, **options: Any) -> Bluesky:
        given = {"handle": "acmehelp.bsky.social", "app_password": "abcd-efgh", "base_url": self.url} | options
        source = Bluesky("bluesky", Bluesky.Options(jetstream_url=self.wire.url, **given), ("acme",))
        source.silence = 2.0
        return source

    def close(self) -> None:
        super().close()
        self.wire.close()

    def new_id(self, at: datetime) -> str:
        number = int(super().new_id(at))
        written = min(at, datetime(2030, 1, 1, tzinfo=UTC))
        return f"at://did:plc:{self._author}/{POSTS}/{tid(written + timedelta(microseconds=number), number % 1024)}"

    # what happens

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        self._author = author
        external_id = super().post(text, at, author, parent, **more)
        self._tell(external_id, "create", {"record": self.record(self.posts[external_id])})
        return external_id

    def remove(self, external_id: str) -> None:
        self.gone.add(external_id)
        self._tell(external_id, "delete", {})

    def garble(self, at: datetime) -> None:
        self.post("acme", at, indexedAt=None)

    def _tell(self, uri: str, operation: str, more: dict[str, Any]) -> None:
        did, key = uri.split("/")[2], uri.split("/")[4]
        commit = {"rev": "r", "operation": operation, "collection": POSTS, "rkey": key, "cid": CID} | more
        self.say({"did": did, "time_us": 1_795_000_000_000_000 + next(self.tokens), "kind": "commit", "commit": commit})

    def say(self, event: Any) -> None:
        if self.wire.paths:
            self.wire.connected()
        self.wire.say(event if isinstance(event, str) else json.dumps(event))

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
        for event in ("}{", "[]", "7", {"kind": 7}, {"kind": "commit", "commit": None}, {"kind": "commit"}):
            self.say(event)
        self.say({"kind": "account", "did": "did:plc:x", "time_us": 1, "account": {"active": False}})
        self.say({"kind": "commit", "did": "did:plc:x", "time_us": "x", "commit": {"collection": POSTS, "rkey": "k"}})

    # how it is told

    def record(self, post: Post) -> dict[str, Any]:
        made: dict[str, Any] = {"$type": POSTS, "text": post.text, "createdAt": post.at.isoformat(), "langs": ["en"]}
        if post.parent:
            root = self.posts[post.parent].parent or post.parent
            made["reply"] = {"root": {"uri": root, "cid": CID}, "parent": {"uri": post.parent, "cid": CID}}
        made.update(post.more.get("record", {}))
        return made

    def view(self, post: Post) -> dict[str, Any]:
        return {
            "uri": post.id,
            "cid": CID,
            "author": self.profile(post.author),
            "record": self.record(post),
            "indexedAt": post.at.isoformat().replace("+00:00", "Z"),
            "likeCount": 4,
            "repostCount": 2,
            "quoteCount": 1,
            "replyCount": 3,
            "viewer": {"replyDisabled": True} if post.id in self.locked else {},
        } | {key: value for key, value in post.more.items() if key != "record"}

    def profile(self, name: str) -> dict[str, Any]:
        return {"did": f"did:plc:{name}", "handle": name, "displayName": name}

    def respond(self, request: Request) -> Any:
        method = request.path.removeprefix("/xrpc/").removeprefix("com.atproto.").removeprefix("app.bsky.")
        if method == "server.createSession":
            self.sign_ins += 1
            good = request.json == {"identifier": "acmehelp.bsky.social", "password": "abcd-efgh"}
            return self._session() if good else self.error(401, "AuthenticationRequired", "Invalid password")
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if method == "server.refreshSession":
            self.refreshes += 1
            return self._session() if bearer == "refresh" and self.refreshable else self.error(400, "ExpiredToken")
        if bearer not in self.valid:
            return self.error(400, "ExpiredToken", "Token has expired")
        return getattr(self, "_" + method.replace(".", "_"))(request)

    def _session(self) -> dict[str, str]:
        token = f"access{next(self.tokens)}"
        self.valid.add(token)
        return {"accessJwt": token, "refreshJwt": "refresh", "did": OWN, "handle": "acmehelp"}

    @staticmethod
    def error(status: int, name: str, words: str = "") -> Response:
        return Response(json.dumps({"error": name, "message": words}), status, content_type="application/json")

    def _page(self, request: Request, shown: list[Post]) -> tuple[list[Post], dict[str, str]]:
        if older := request.args.get("cursor"):
            ids = [post.id for post in shown]
            shown = shown[ids.index(older) + 1 :]
        page = shown[: int(request.args["limit"])]
        return page, {"cursor": page[-1].id} if len(shown) > len(page) else {}

    def _shown(self) -> list[Post]:
        newest = sorted(self.posts.values(), key=lambda post: (post.at, post.id), reverse=True)
        return [post for post in newest if post.id not in self.gone and self.late.get(post.id, 0) == 0]

    def _feed_searchPosts(self, request: Request) -> Any:  # noqa: N802
        assert request.args["sort"] == "latest"
        word, since = request.args["q"].strip('"').lower(), datetime.fromisoformat(request.args["since"])
        hits = [post for post in self._shown() if word in post.text.lower()]
        hits = [post for post in hits if post.at >= since or not self.heeds_since]
        page, more = self._page(request, hits)
        return {"posts": [self.view(post) for post in page], "hitsTotal": len(hits)} | more

    def _feed_getPosts(self, request: Request) -> Any:  # noqa: N802
        uris = request.args.getlist("uris")
        assert 0 < len(uris) <= 25
        there = {post.id for post in self._shown()}
        for uri in uris:
            self.late[uri] = max(0, self.late.get(uri, 0) - 1)
        return {"posts": [self.view(self.posts[uri]) for uri in uris if uri in there]}

    def _actor_getProfiles(self, request: Request) -> Any:  # noqa: N802
        assert 0 < len(request.args.getlist("actors")) <= 25
        names = [did.rpartition(":")[2] for did in request.args.getlist("actors")]
        return {"profiles": [self.profile(name) | {"followersCount": 42} for name in names]}

    def _notification_listNotifications(self, request: Request) -> Any:  # noqa: N802
        assert request.args.getlist("reasons") == ["mention", "reply", "quote"]
        told = [self.posts[uri] for uri in self.notified]
        page, more = self._page(request, sorted(told, key=lambda post: (post.at, post.id), reverse=True))
        return {"notifications": [self._notification(post) for post in page]} | more

    def _notification(self, post: Post) -> dict[str, Any]:
        """Less than a view: no counts, no pictures."""
        whole = self.view(post)
        told = {name: whole[name] for name in ("uri", "cid", "author", "record", "indexedAt")}
        return told | {"reason": self.notified[post.id], "isRead": False}

    def _feed_getAuthorFeed(self, request: Request) -> Any:  # noqa: N802
        if request.args["actor"] == "elsewhere":
            return self.error(400, "InvalidRequest", "Profile not found")
        own = [post for post in self._shown() if post.author == request.args["actor"]]
        page, more = self._page(request, own)
        return {"feed": [{"post": self.view(post)} for post in page]} | more

    def _identity_resolveHandle(self, request: Request) -> Any:  # noqa: N802
        handle = request.args["handle"]
        known = handle in ("ann.example", "acmehelp.bsky.social")
        return {"did": f"did:plc:{handle}"} if known else self.error(400, "InvalidRequest", "Unable to resolve handle")

    def _repo_createRecord(self, request: Request) -> Any:  # noqa: N802
        given: Any = request.json
        assert (given["repo"], given["collection"]) == (OWN, POSTS)
        uri, record = f"at://{OWN}/{POSTS}/{given['rkey']}", given["record"]
        if uri in self.posts:
            return self.error(400, "InvalidRequest", "Record already exists")
        at = datetime.fromisoformat(record["createdAt"])
        self.posts[uri] = Post(
            uri, record["text"], at, "acmehelp", record["reply"]["parent"]["uri"], {"record": record}
        )
        return {"uri": uri, "cid": CID}

    def _repo_getRecord(self, request: Request) -> Any:  # noqa: N802
        uri = f"at://{request.args['repo']}/{request.args['collection']}/{request.args['rkey']}"
        if uri not in self.posts:
            return self.error(400, "RecordNotFound", f"Could not locate record: {uri}")
        return {"uri": uri, "cid": CID, "value": self.record(self.posts[uri])}

    def spared(self, request: Request) -> bool:
        """The post that is answered is read first; trouble is to meet the answer itself."""
        return request.path.endswith("getPosts") and len(request.args.getlist("uris")) == 1

    def takes_replies(self, request: Request) -> bool:
        return request.path.endswith("createRecord")
