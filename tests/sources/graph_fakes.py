"""What the stand-ins for Facebook and Instagram share: lists by cursors, errors with codes, signed calls."""

from __future__ import annotations

import hashlib
import hmac
import json
from abc import abstractmethod
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.hooks import Call
from tests.sources.fakes import LoopbackService, Post

TOKEN, SECRET = "page-token", "app-secret"


def signed(body: Any, secret: str = SECRET) -> Call:
    text = json.dumps(body).encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return Call("POST", {"x-hub-signature-256": f"sha256={digest}"}, body=text)


class GraphApi(LoopbackService):
    page_size = 50

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.removed: set[str] = set()
        self.headers: dict[str, str] = {}
        self.failing: dict[str, Response] = {}  # by the end of the path
        self.options: dict[str, Any] = {}

    def remove(self, external_id: str) -> None:
        self.removed.add(external_id)

    def takes_replies(self, request: Request) -> bool:
        return request.method == "POST"

    def respond(self, request: Request) -> Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
        assert request.values.get("appsecret_proof") == (proof if "app_secret" in self.options else None)
        version, _, path = request.path.lstrip("/").partition("/")
        assert version == "v26.0"
        for end, answer in self.failing.items():
            if path.endswith(end):
                return answer
        answer = self.graph(request, path)
        if isinstance(answer, Response):
            return answer
        return Response(json.dumps(answer), content_type="application/json", headers=self.headers)

    @abstractmethod
    def graph(self, request: Request, path: str) -> Any: ...

    def shown(self, posts: list[Post], limit: int, after: str | None, of: Any, linked: bool = True) -> dict[str, Any]:
        """A page of a list. The cursor names the last item of the page before."""
        ids = [post.id for post in posts]
        start = ids.index(after) + 1 if after in ids else 0
        page = posts[start : start + limit]
        if not page:
            return {"data": []}
        paging: dict[str, Any] = {"cursors": {"before": page[0].id, "after": page[-1].id}}
        if start + limit < len(posts) and linked:
            paging["next"] = "https://graph.facebook.com/v26.0/1/x?access_token=page-token"
        return {"data": [of(post) for post in page], "paging": paging}


def error(code: int, words: str = "Something is wrong", status: int = 400, **more: Any) -> Response:
    body = {"error": {"message": words, "type": "OAuthException", "code": code, "fbtrace_id": "x"} | more}
    return Response(json.dumps(body), status, content_type="application/json")


def missing() -> Response:
    return error(100, "Unsupported get request. Object does not exist", error_subcode=33)
