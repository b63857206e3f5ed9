from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, ConfigurationError, RetryLater
from monitor.sources.base import Engagement, Item
from monitor.sources.rss import Rss

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RSS = '<rss version="2.0"><channel><title>Forum</title>{}</channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de-AT"><title>Forum</title>{}</feed>'

Make = Callable[..., Rss]


@pytest.fixture
def make(httpserver: HTTPServer) -> Iterator[Make]:
    """A source whose feed has this body and these headers."""
    made: list[Rss] = []

    def make(body: str | bytes = "", path: str = "/feed", options: dict[str, Any] | None = None, **answer: Any) -> Rss:
        if body or answer:
            answer = {"content_type": "application/xml"} | answer
            httpserver.expect_request(path).respond_with_data(body, **answer)
        made.append(Rss("feed", Rss.Options(url=httpserver.url_for(path), **(options or {}))))
        return made[-1]

    yield make
    for source in made:
        source.close()


def items(source: Rss) -> tuple[Item, ...]:
    return source.fetch(None, NOON).items


def test_an_entry_is_its_title_and_its_words_without_markup(make: Make) -> None:
    entry = """<item><title>Acme &amp;amp; me</title><guid isPermaLink="false">g1</guid><link>https://x.com/1</link>
    <author>ann@x.com (Ann)</author><pubDate>Fri, 20 Nov 2026 12:30:00 +0200</pubDate>
    <description>
    &lt;p&gt;It &lt;b&gt;broke&lt;/b&gt;.&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;</description></item>"""
    (item,) = items(make(RSS.format(entry)))
    assert item.text == "Acme & me\nIt broke."
    assert (item.external_id, item.url) == ("g1", "https://x.com/1")
    assert item.posted_at == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert item.author.name == "Ann"


def test_the_pictures_and_the_number_of_comments_that_a_feed_names_are_read(make: Make) -> None:
    entry = """<item xmlns:media="http://search.yahoo.com/mrss/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/">
    <guid>1</guid><title>Acme</title><enclosure url="https://x.com/1.jpg" type="image/jpeg" length="9"/>
    <enclosure url="https://x.com/1.mp3" type="audio/mpeg" length="9"/>
    <media:content url="https://x.com/2.mp4" medium="video"/><slash:comments>12</slash:comments></item>"""
    (item,) = items(make(RSS.format(entry)))
    assert set(item.media) == {"https://x.com/1.jpg", "https://x.com/2.mp4"}
    assert item.engagement == Engagement(answers=12)


def test_atom_says_more(make: Make) -> None:
    entry = """<entry><id>tag:1</id><title>Acme</title><link href="/1"/><updated>2026-11-20T10:00:00Z</updated>
    <published>2026-11-19T10:00:00Z</published><author><name>/u/ann</name><uri>https://x.com/ann</uri></author>
    <summary>short</summary><content type="html">Acme &lt;i&gt;is slow&lt;/i&gt;</content></entry>"""
    (item,) = items(make(ATOM.format(entry)))
    assert item.text == "Acme is slow"
    assert item.url is not None
    assert item.url.startswith("http://")
    assert item.posted_at == datetime(2026, 11, 19, 10, tzinfo=UTC)
    assert (item.author.handle, item.author.url, item.language) == ("ann", "https://x.com/ann", "de")


def test_an_entry_without_a_date_counts_as_posted_when_it_is_seen(make: Make) -> None:
    source = make(RSS.format("<item><guid>1</guid><title>Acme</title></item>"))
    page = source.fetch(None, NOON)
    assert page.items[0].posted_at == NOON
    assert source.fetch(page.cursor, NOON + timedelta(hours=1)).items[0].posted_at == NOON + timedelta(hours=1)


def test_undated_entries_of_a_feed_read_for_the_first_time_are_as_old_as_the_feed(make: Make) -> None:
    date = "<lastBuildDate>Sun, 01 Nov 2026 00:00:00 GMT</lastBuildDate>"
    source = make(RSS.format(date + "<item><guid>1</guid><title>Acme</title></item>"))
    page = source.fetch(None, NOON)
    assert page.items[0].posted_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert source.fetch(page.cursor, NOON).items[0].posted_at == NOON


@pytest.mark.parametrize("date", ["Fri, 20 Nov 2099 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_date_in_2099_is_not_believed(make: Make, date: str) -> None:
    (item,) = items(make(RSS.format(f"<item><guid>1</guid><title>Acme</title><pubDate>{date}</pubDate></item>")))
    assert item.posted_at <= NOON + timedelta(days=1)


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026", "0000-00-00", "-1", "2026-13-45T99:99:99Z"])
def test_a_date_that_is_none_is_no_date(make: Make, date: str) -> None:
    (item,) = items(make(RSS.format(f"<item><guid>1</guid><title>Acme</title><pubDate>{date}</pubDate></item>")))
    assert item.posted_at <= NOON + timedelta(days=1)


def test_entries_without_an_id_are_known_by_their_link_or_words(make: Make) -> None:
    entries = "<item><link>https://x.com/1</link></item><item><title>Acme</title></item><item></item>"
    page = make(RSS.format(entries)).fetch(None, NOON)
    assert page.items[0].external_id == "https://x.com/1"
    assert len({item.external_id for item in page.items}) == 2
    assert [reject.reason for reject in page.rejects] == ["ValueError: the entry has neither id, link nor text"]


def test_relative_ids_stay_the_same_behind_any_redirect_and_hold_no_secrets(make: Make, httpserver: HTTPServer) -> None:
    hosts = iter("ab")

    def redirect(_: Request) -> Response:
        return Response(status=302, headers={"Location": f"/{next(hosts)}/feed"})

    feed = RSS.format("<item><guid>g1</guid><title>Acme</title></item>")
    httpserver.expect_request("/feed").respond_with_handler(redirect)
    httpserver.expect_request(re.compile("/[ab]/feed")).respond_with_data(feed, content_type="application/xml")
    url = httpserver.url_for("/feed").replace("://", "://ann:hunter2@")
    source = Rss("feed", Rss.Options(url=url))
    first, second = items(source), items(source)
    source.close()
    assert first[0].external_id == second[0].external_id
    assert "hunter2" not in str(first)


def test_a_link_that_is_no_web_address_is_dropped(make: Make) -> None:
    (item,) = items(make(RSS.format("<item><guid isPermaLink='false'>1</guid><link>javascript:alert(1)</link></item>")))
    assert item.url is None


def test_an_unchanged_feed_is_not_sent_again(make: Make, httpserver: HTTPServer) -> None:
    asked = []

    def answer(request: Request) -> Response:
        asked.append((request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")))
        if len(asked) > 1:
            return Response(status=304)
        headers = {"ETag": '"1"', "Last-Modified": "Fri, 20 Nov 2026 10:00:00 GMT"}
        return Response(RSS.format("<item><guid>1</guid></item>"), headers=headers, content_type="application/xml")

    httpserver.expect_request("/feed").respond_with_handler(answer)
    source = make()
    first = source.fetch(None, NOON)
    second = source.fetch(first.cursor, NOON)
    assert (len(first.items), len(second.items), second.cursor) == (1, 0, first.cursor)
    assert asked == [(None, None), ('"1"', "Fri, 20 Nov 2026 10:00:00 GMT")]


def test_a_feed_that_was_cut_short_is_read_again(make: Make) -> None:
    whole = RSS.format("<item><guid>1</guid><title>Acme</title></item><item><guid>2</guid><title>Acme</title></item>")
    page = make(whole[: whole.index("<guid>2")], headers={"ETag": '"1"'}).fetch(None, NOON)
    assert page.items
    assert "etag" not in page.cursor


def test_another_address_does_not_use_the_old_ones_etag(make: Make, httpserver: HTTPServer) -> None:
    feed = RSS.format("<item><guid>1</guid></item>")
    cursor = make(feed, headers={"ETag": '"1"'}).fetch(None, NOON).cursor
    assert httpserver.host not in str(cursor)  # an address may hold a password, which the database need not know
    assert make(feed, path="/other").fetch(cursor, NOON).items
    assert "If-None-Match" not in httpserver.log[-1][0].headers


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<!DOCTYPE html><title>News</title>", "an HTML page, not a feed: write the address of the feed"),
        ("<html><input type='password'></html>", "an HTML page, not a feed: the feed seems to need a login"),
        (
            "<!-- x --><html><link rel=alternate type='application/rss+xml' href='/news.xml?key=1'></html>",
            "/news.xml",
        ),
        ("just words", "no RSS or Atom feed; it begins with 'just words'"),
        (b"\x89PNG\r\n", "no RSS or Atom feed"),
        ("   ", "answered with nothing"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "no RSS or Atom feed"),
    ],
)
def test_what_is_no_feed_says_what_it_is(make: Make, page: str | bytes, words: str) -> None:
    source = make(page)
    with pytest.raises(RetryLater) as caught:
        source.fetch(None, NOON)
    assert words in str(caught.value)
    with pytest.raises(ConfigurationError) as refused:
        source.check()
    assert words in str(refused.value)
    assert refused.value.key == "sources.feed.url"


def test_a_redirect_to_a_login_page_is_told(make: Make, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=302, headers={"Location": "/login?back=secret"})
    httpserver.expect_request("/login").respond_with_data("<!doctype html><form></form>", content_type="text/html")
    with pytest.raises(RetryLater) as caught:
        make().fetch(None, NOON)
    assert "/login (where we were redirected) is an HTML page" in str(caught.value)
    assert "need a login" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_redirect_without_end_is_told(make: Make, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=302, headers={"Location": "/feed"})
    with pytest.raises(RetryLater, match="TooManyRedirects"):
        make().fetch(None, NOON)


def test_a_feed_that_is_too_large_is_not_read(make: Make) -> None:
    source = make(RSS.format("<item><title>" + "x" * 5_000 + "</title></item>"), options={"max_bytes": 1_000})
    with pytest.raises(RetryLater, match="larger than 1,000 bytes"):
        source.fetch(None, NOON)


def test_a_host_out_of_reach_is_told_without_the_secrets_of_its_address() -> None:
    source = Rss("feed", Rss.Options(url="http://ann:hunter2@127.0.0.1:1/feed?key=hunter2"))
    with pytest.raises(RetryLater, match=r"http://127\.0\.0\.1:1/feed cannot be reached") as caught:
        source.fetch(None, NOON)
    assert "hunter2" not in str(caught.value)
    source.close()


def test_refusals_are_told_apart(make: Make, httpserver: HTTPServer) -> None:
    with pytest.raises(AuthError):
        make("who are you", path="/401", status=401).fetch(None, NOON)
    for status in (404, 410, 500):
        with pytest.raises(RetryLater, match=str(status)):
            make("no", path=f"/{status}", status=status).fetch(None, NOON)


@pytest.mark.parametrize("url", ["", "example.com/feed", "file:///etc/passwd", "feed://x"])
def test_only_web_addresses_are_read(url: str) -> None:
    with pytest.raises(ValidationError, match="beginning with https"):
        Rss.Options(url=url)


def test_entities_do_not_explode_and_files_are_not_read(make: Make) -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    bomb += ' <!ENTITY f SYSTEM "file:///etc/passwd">]>' + RSS.format(
        "<item><guid>1</guid><title>&j;&f;</title></item>"
    )
    try:
        found = items(make(bomb))
    except RetryLater:
        return
    assert all(len(item.text) < 1_000_000 and "root:" not in item.text for item in found)


def test_check_counts_what_it_found(make: Make) -> None:
    assert make(RSS.format("<item><guid>1</guid></item>")).check() == "1 entries of Forum"
