"""The forum keeps the promises of every source. Run it with: pytest"""

import re
from datetime import timedelta

import pytest
from firsthour_forum import Forum
from werkzeug import Response

from monitor.sources.contract import FakeService, SourceContract


class FakeForum(FakeService):
    page_size = 50  # the suite posts several pages
    lag = timedelta(minutes=10)  # and posts this late
    credentials = False

    def __init__(self, server):
        self.url, self.posts, self.trouble = server.url_for(""), [], None
        server.expect_request(re.compile(".*")).respond_with_handler(self.handle)

    def source(self):
        return Forum("forum", Forum.Options(base_url=self.url), ("acme",))

    def post(self, text, at, author="ann"):
        number = len(self.posts) + 1
        self.posts.append({"id": number, "text": text, "time": at.timestamp(), "author": author})
        return str(number)

    def garble(self, at):
        self.posts.append({"id": len(self.posts) + 1, "time": at.timestamp()})

    def answer(self, answer):
        self.trouble = answer

    def handle(self, request):
        import json

        if self.trouble is not None:
            headers = dict(self.trouble.headers)
            if self.trouble.cut:
                headers["Content-Length"] = str(len(self.trouble.body) + 9)
            return Response(self.trouble.body, self.trouble.status, headers)
        before = int(request.args.get("before", 2**31))
        newest_first = [post for post in reversed(self.posts) if post["id"] < before]
        return Response(json.dumps(newest_first[: int(request.args["limit"])]))


class TestForum(SourceContract):
    @pytest.fixture
    def service(self, httpserver):
        return FakeForum(httpserver)
