from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, BudgetSpent, ConfigurationError, Refused, RetryLater
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, Answer, SourceContract, poll
from monitor.sources.recheck import MOST
from monitor.sources.youtube import YouTube
from tests.sources.fakes import Post
from tests.sources.google_fakes import GoogleService, documented, refusal

CHANNEL = "UC" + "acme-_0123" * 2 + "xx"
VIDEO = "dQw4w9WgXcQ"
OAUTH = {"client_id": "client", "client_secret": "hush-hush", "refresh_token": "lasting"}
MINUTE = timedelta(minutes=1)


class Tube(GoogleService):
    """Threads with the newest first comment at the top and five answers each; videos, and a search that finds them."""

    page_size = 100
    lag = timedelta(minutes=10)
    recalled = MOST

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.options: dict[str, Any] = {"channels": [CHANNEL], "search": False}
        self.strict = False  # a call for several comments fails when one of them is gone
        self.off: dict[str, Response] = {}  # what is said of these videos' comments
        self.tokens_known = True
        self.search_refusal: Response | None = None

    def build(self, **options: Any) -> YouTube:
        terms = options.pop("terms", ("acme", "acme shop"))
        given = {"api_key": "key", "base_url": self.url, "token_url": f"{self.url}/token"} | self.options | options
        return YouTube("tube", YouTube.Options(**given), terms)

    def new_id(self, at: datetime) -> str:
        return f"Ugx{next(self._numbers):05}AaABAg"

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        if parent is None:
            return super().post(text, at, author, **more)
        external_id = parent if len(parent) == 11 else f"{parent.partition('.')[0]}.9{next(self._numbers):05}"
        if len(parent) == 11:
            return super().post(text, at, author, video=parent)
        self.posts[external_id] = Post(external_id, text, at, author, parent.partition(".")[0], more)
        return external_id

    def film(self, text: str, at: datetime, author: str = "ann", **more: Any) -> str:
        external_id = f"v{next(self._numbers):010}"
        self.posts[external_id] = Post(external_id, text, at, author, None, {"film": more})
        return external_id

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"publishedAt": "yesterday"})

    def remove(self, external_id: str) -> None:
        self.posts = {k: post for k, post in self.posts.items() if external_id not in (k, post.parent)}

    def replies(self, external_id: str) -> list[str]:
        return [p.text for p in self.posts.values() if external_id in (p.parent, p.more.get("video"))]

    def respond(self, request: Request) -> Any:
        writes = request.method == "POST" or "mine" in request.args
        if request.path == "/token" or writes or "X-Goog-Api-Key" not in request.headers:
            if (answer := self.signed_in(request)) is not None:
                return answer
        elif request.headers["X-Goog-Api-Key"] != "key":
            return refusal(400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
        assert "key" not in request.args
        kind = request.path.removeprefix("/youtube/v3/")
        if request.method == "POST":
            return documented("youtube.v3", kind, "insert", self._insert(kind, request.get_json()["snippet"]))
        return documented("youtube.v3", kind, "list", getattr(self, f"_list_{kind}")(request))

    def _list_i18nRegions(self, request: Request) -> Any:  # noqa: N802
        return {"items": []}

    def _list_channels(self, request: Request) -> Any:
        found = {"id": CHANNEL, "snippet": {"customUrl": "@acmehelp"}}
        asked = request.args.get("forHandle", request.args.get("id", "@acmehelp"))
        return {"items": [found] if asked in ("@acmehelp", CHANNEL) or "mine" in request.args else []}

    def _list_commentThreads(self, request: Request) -> Any:  # noqa: N802
        assert request.args["textFormat"] == "plainText"
        if "id" in request.args:
            return self._by_id(request, lambda post: "film" not in post.more and not post.parent, self._thread)
        assert request.args["order"] == "time"
        video = request.args.get("videoId")
        if video in self.off:
            return self.off[video]
        assert video or request.args["allThreadsRelatedToChannelId"] == CHANNEL
        threads = self.newest_first(
            lambda p: not p.parent and "film" not in p.more and (not video or p.more.get("video") == video)
        )
        return self._page(request, threads, self._thread)

    def _list_comments(self, request: Request) -> Any:
        if "id" in request.args:
            return self._by_id(request, lambda post: "film" not in post.more, self._comment)
        answers = self.newest_first(lambda post: post.parent == request.args["parentId"])
        return self._page(request, answers, self._comment)

    def _list_search(self, request: Request) -> Any:
        if self.search_refusal is not None:
            return self.search_refusal
        words = [word.strip('"').lower() for word in request.args["q"].split("|")]
        since = datetime.fromisoformat(request.args["publishedAfter"])
        assert (request.args["type"], request.args["order"]) == ("video", "date")
        found = self.newest_first(
            lambda p: "film" in p.more and p.at >= since and any(word in p.text.lower() for word in words)
        )
        return self._page(request, found, lambda post: {"id": {"kind": "youtube#video", "videoId": post.id}})

    def _list_videos(self, request: Request) -> Any:
        return self._by_id(request, lambda post: "film" in post.more, self._film)

    def _by_id(self, request: Request, wanted: Any, show: Any) -> Any:
        asked = request.args["id"].split(",")
        assert len(asked) <= 50
        found = [self.posts[each] for each in asked if each in self.posts and wanted(self.posts[each])]
        if self.strict and len(found) < len(asked) and show != self._film:
            return refusal(404, "One or more of the specified comments cannot be found.", "commentNotFound")
        return {"items": [show(post) for post in found]}

    def _page(self, request: Request, posts: list[Post], show: Any) -> Any:
        token = request.args.get("pageToken")
        if token and not self.tokens_known:
            return refusal(400, "The request specifies an invalid page token.", "invalidPageToken", "youtube.parameter")
        start, size = int(token or 0), int(request.args["maxResults"])
        page: dict[str, Any] = {"items": [show(post) for post in posts[start : start + size]]}
        return page | ({"nextPageToken": str(start + size)} if start + size < len(posts) else {})

    def _insert(self, kind: str, snippet: dict[str, Any]) -> Any:
        to = snippet.get("parentId") or snippet["videoId"]
        if to in self.locked:
            return refusal(403, "The video has disabled comments.", "commentsDisabled", "youtube.comment")
        assert "." not in to
        if kind == "comments":
            return self._comment(self.posts[self.post(snippet["textOriginal"], NOW, "acmehelp", to)])
        text = snippet["topLevelComment"]["snippet"]["textOriginal"]
        return self._thread(self.posts[self.post(text, NOW, "acmehelp", to)])

    def _thread(self, post: Post) -> dict[str, Any]:
        answers = self.newest_first(lambda p: p.parent == post.id)
        snippet = {"topLevelComment": self._comment(post), "totalReplyCount": len(answers), "videoId": VIDEO}
        thread: dict[str, Any] = {"id": post.id, "snippet": snippet}
        return thread | ({"replies": {"comments": [self._comment(each) for each in answers[:5]]}} if answers else {})

    def _comment(self, post: Post) -> dict[str, Any]:
        channel = CHANNEL if post.author == "acmehelp" else f"UC{post.author}"
        snippet = {
            "textDisplay": post.text,
            "authorDisplayName": f"@{post.author}",
            "authorChannelUrl": f"http://www.youtube.com/channel/{channel}",
            "publishedAt": post.at.isoformat().replace("+00:00", "Z"),
            "likeCount": 3,
            "videoId": post.more.get("video", VIDEO),
        } | post.more.get("garbled", {})
        return {"id": post.id, "snippet": snippet}

    def _film(self, post: Post) -> dict[str, Any]:
        snippet = {
            "title": "A film",
            "description": post.text,
            "publishedAt": post.at.isoformat(),
            "channelTitle": post.author,
            "channelId": "UCann",
        }
        return {"id": post.id, "snippet": snippet | post.more["film"], "statistics": {"viewCount": "1200"}}


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Tube]:
    service = Tube(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


class TestContractOfAChannelThatAnswers(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[Tube]:
        service = Tube(httpserver)
        service.options |= OAUTH
        yield service
        service.close()


class Films(Tube):
    """What customers post are films, which the search finds."""

    page_size = 50
    lag = timedelta(hours=2)
    recalled = MOST

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        return super().post(text, at, author, parent, **more) if parent else self.film(text, at, author)

    def garble(self, at: datetime) -> None:
        self.film("acme garbled", at, publishedAt=None)


class TestContractOfTheSearch(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[Films]:
        service = Films(httpserver)
        service.options = OAUTH | {"search_every": timedelta(0)}
        yield service
        service.close()


class Purse:
    """Counts what is spent, up to what there is."""

    def __init__(self, **most: float) -> None:
        self.most, self.spent = most, Counter[str]()

    def reserve(self, **costs: float) -> None:
        for name, cost in costs.items():
            if self.spent[name] + cost > self.most.get(name, 10_000):
                raise BudgetSpent(f"no {name} left", timedelta(hours=3))
            self.spent[name] += int(cost)

    def spend(self, **costs: float) -> None:
        self.spent.update({name: int(cost) for name, cost in costs.items()})

    def left(self, name: str) -> float:
        return self.most.get(name, 10_000) - self.spent[name]


def metered(service: Tube, purse: Purse, **options: Any) -> YouTube:
    source = service.source(**options)
    source.meter = purse
    return source


def test_a_comment_has_its_thread_its_author_and_how_many_liked_it(service: Tube) -> None:
    first = service.post("acme", NOW - MINUTE)
    answer = service.post("acme, same here", NOW, "bob", parent=first)
    items, _ = poll(service.source())
    assert items[first].engagement == Engagement(likes=3, answers=1)
    found = items[answer]
    assert (found.author.handle, found.author.name) == ("bob", "@bob")
    assert (found.conversation, found.parent) == (first, first)
    assert found.url == f"https://www.youtube.com/watch?v={VIDEO}&lc={answer}"
    assert (items[first].conversation, items[first].parent) == (first, None)


def test_a_film_is_read_whole_with_its_language_and_its_viewers(service: Tube) -> None:
    film = service.film("acme " + "x" * 4_000, NOW - MINUTE, defaultAudioLanguage="en-GB")
    item = poll(service.source(search=True, channels=[]))[0][film]
    assert item.text.startswith("A film\n\nacme x")
    assert len(item.text) > 4_000
    assert (item.language, item.engagement) == ("en", Engagement(views=1200))
    assert item.url == f"https://www.youtube.com/watch?v={film}"


def test_an_answer_in_an_old_thread_is_found_however_many_there_are(service: Tube) -> None:
    first = service.post("acme", NOW - timedelta(hours=20))
    _, cursor = poll(service.source())
    answers = {service.post(f"acme {i}", NOW + timedelta(seconds=i), "bob", parent=first) for i in range(120)}
    assert poll(service.source(), cursor, NOW + 5 * MINUTE)[0].keys() == {first} | answers


@pytest.mark.parametrize("strict", [False, True])
def test_one_deleted_comment_among_many_is_told_from_the_others(service: Tube, strict: bool) -> None:
    service.strict = strict
    posted = [service.post(f"acme {i}", NOW - i * MINUTE) for i in range(20)]
    answer = service.post("acme too", NOW, parent=posted[0])
    _, cursor = poll(service.source())
    for gone in (posted[7], answer):
        service.remove(gone)
    items, _ = poll(service.source(), cursor, NOW + MINUTE)
    assert {each for each, item in items.items() if item.removed} == {posted[7], answer}


def test_comments_are_gone_where_youtube_says_so_and_not_where_an_address_is_wrong(service: Tube) -> None:
    posted = service.post("acme", NOW - MINUTE)
    _, cursor = poll(service.source())
    service.answer(Answer(404, refusal(404, "Not Found", "notFound").data))
    source = service.source()
    with pytest.raises(RetryLater, match="Not Found"):
        source.fetch({**cursor, "look_again": True}, NOW + MINUTE)
    service.answer(Answer(403, refusal(403, "The video has disabled comments.", "commentsDisabled").data))
    page = source.fetch({**cursor, "look_again": True}, NOW + MINUTE)
    assert [(item.external_id, item.removed) for item in page.items] == [(posted, True)]


def test_comments_of_several_channels_and_films_are_read_and_those_that_are_off_are_shown(service: Tube) -> None:
    service.off = {
        VIDEO: refusal(403, "The video has disabled comments.", "commentsDisabled"),
        "v1234567890": refusal(404, "The video cannot be found.", "videoNotFound"),
    }
    posted = service.post("acme", NOW - MINUTE)
    source = service.source(channels=["@acmehelp"], videos=[VIDEO, "v1234567890"])
    items, rejects, cursor = set(), [], None
    for _ in range(4):
        page = source.fetch(cursor, NOW)
        items |= {item.external_id for item in page.items}
        rejects += [reject.reason for reject in page.rejects]
        cursor = page.cursor
    assert items == {posted}
    assert rejects == [
        f"{VIDEO}: The video has disabled comments.",
        "v1234567890: The video cannot be found.",
    ]


def test_searches_are_made_when_they_are_due_and_comments_are_read_at_every_poll(service: Tube) -> None:
    purse = Purse()
    source = metered(service, purse, search=True)
    cursor = None
    for minute in range(0, 120, 5):
        _, cursor = poll(source, cursor, NOW + minute * MINUTE)
    assert purse.spent == {"searches": 4, "units": 24}  # a quarter of what the day allows, in a twelfth of it
    words = {request.args["q"] for request in service.requests if request.path.endswith("search")}
    assert words == {'"acme"|"acme shop"'}


@pytest.mark.parametrize("ours", [True, False], ids=["by our count", "as Google says"])
def test_spent_searches_do_not_keep_the_comments_from_being_read(service: Tube, ours: bool) -> None:
    if not ours:
        service.search_refusal = refusal(403, "Quota exceeded for search.", "quotaExceeded", "youtube.quota")
    source = metered(service, Purse(searches=0) if ours else Purse(), search=True)
    first = service.post("acme one", NOW - MINUTE)
    items, cursor = poll(source)
    assert items.keys() == {first}
    second = service.post("acme two", NOW + MINUTE)
    assert second in poll(source, cursor, NOW + 31 * MINUTE)[0]


def test_what_google_says_is_spent_counts_as_spent(service: Tube) -> None:
    service.search_refusal = refusal(403, "Quota exceeded for search.", "quotaExceeded", "youtube.quota")
    purse = Purse(searches=100)
    poll(metered(service, purse, search=True))
    assert purse.left("searches") == 0
    assert purse.left("units") > 9_900


def test_a_search_that_is_refused_is_shown_and_the_comments_are_read(service: Tube) -> None:
    service.search_refusal = refusal(400, "Request contains an invalid argument.", "badRequest")
    posted = service.post("acme", NOW - MINUTE)
    source = service.source(search=True, queries=["acme -"])
    first = source.fetch(None, NOW)
    second = source.fetch(first.cursor, NOW)
    assert [item.external_id for item in first.items] == [posted]
    assert [reject.reason for reject in second.rejects] == ["search for acme -: Request contains an invalid argument."]
    assert posted in poll(source, second.cursor, NOW + MINUTE)[0]


def test_without_units_the_source_waits_for_googles_midnight(service: Tube) -> None:
    source = metered(service, Purse(units=0))
    with pytest.raises(BudgetSpent):
        source.fetch(None, NOW)
    assert service.requests == []


def test_the_budgets_are_those_of_the_project_and_end_at_midnight_in_california(service: Tube) -> None:
    units, searches = service.source(**OAUTH).budgets
    assert (units.daily, searches.daily) == (10_000, 100)
    assert units.resets_at(NOW).isoformat() == "2026-11-21T08:00:00+00:00"
    assert units.owner == service.source(search=True).budgets[0].owner
    assert "key" not in units.owner


def test_a_reply_costs_fifty_units_and_goes_to_the_thread_of_whatever_comment(service: Tube) -> None:
    first = service.post("acme", NOW - 2 * MINUTE)
    answer = service.post("acme, same here", NOW - MINUTE, "bob", parent=first)
    purse = Purse()
    source = metered(service, purse, **OAUTH)
    sent = source.reply(Reply(answer, "@bob We are on it", "key", NOW), NOW)
    assert purse.spent["units"] == 50
    assert service.posts[sent.external_id].parent == first
    assert source.replies_to((first, answer), frozenset({"acmehelp"})).keys() == {first, answer}
    assert source.find_reply(Reply(answer, "@bob We are on it", "key", NOW)) == sent


def test_an_answer_to_another_customer_of_the_thread_is_not_taken_for_one(service: Tube) -> None:
    first = service.post("acme", NOW - 9 * MINUTE)
    bob, eve = (service.post("acme, me too", NOW - 8 * MINUTE, who, parent=first) for who in ("bob", "eve"))
    service.post("@bob Sorry!", NOW - 7 * MINUTE, "acmehelp", parent=first)
    source = service.source()
    assert source.replies_to((bob, eve), frozenset({"acmehelp"})).keys() == {bob}


def test_a_reply_where_comments_are_off_is_refused_in_youtubes_words(service: Tube) -> None:
    film = service.film("acme", NOW - MINUTE)
    service.locked.add(film)
    with pytest.raises(Refused, match="disabled comments"):
        service.source(**OAUTH).reply(Reply(film, "We are on it", "key", NOW), NOW)


def test_a_forgotten_token_begins_the_walk_again_at_the_next_poll(service: Tube) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(250)}
    page = service.source().fetch(None, NOW)
    service.tokens_known = False
    page = service.source().fetch(page.cursor, NOW)
    assert not page.items
    service.tokens_known = True
    first, cursor = poll(service.source(), page.cursor)  # looks again at what it has, which ends that poll
    assert first.keys() | poll(service.source(), cursor)[0].keys() == posted


def test_a_wrong_key_is_named_and_not_shown(service: Tube) -> None:
    with pytest.raises(AuthError, match="copy the API key anew") as caught:
        service.source(api_key="wrong-secret").check()
    assert "wrong-secret" not in str(caught.value)


def test_the_key_is_in_no_address(service: Tube) -> None:
    service.source().check()
    service.answer(Answer(503))
    with pytest.raises(RetryLater):
        service.source().check()
    assert all("key" not in request.url for request in service.requests)


def test_check_says_what_is_read_and_who_replies(service: Tube) -> None:
    said = service.source(search=True, videos=[VIDEO], **OAUTH).check()
    assert said == "reached; 1 channels, 1 videos, 1 searches; replies as @acmehelp"


@pytest.mark.parametrize("channel", ["@nobody", "UC" + "x" * 22])
def test_a_channel_that_does_not_exist_is_a_mistake_of_the_configuration(service: Tube, channel: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"sources\.tube\.channels.*{channel}"):
        service.source(channels=[channel]).check()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"api_key": "x", "refresh_token": "y"},
        {"api_key": "x", "channels": ["https://www.youtube.com/@acme"]},
        {"api_key": "x", "videos": ["https://youtu.be/dQw4w9WgXcQ"]},
        {"api_key": "x", "search": False},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        YouTube.Options.model_validate(options)
