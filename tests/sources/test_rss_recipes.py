"""The recipes of docs/sources/rss.md, on feeds shaped as those services shape them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from monitor.sources.base import Engagement, Item
from monitor.sources.rss import Rss
from monitor.sources.rss_recipes import joined, true_link

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DATE = "<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>"
Read = Callable[..., Item]


@pytest.fixture
def read(httpserver: HTTPServer) -> Iterator[Read]:
    """The one item of a feed."""
    sources: list[Rss] = []

    def read(feed: str) -> Item:
        httpserver.expect_request("/feed").respond_with_data(feed, content_type="application/xml")
        sources.append(Rss("feed", Rss.Options(url=httpserver.url_for("/feed"))))
        page = sources[-1].fetch(None, NOW)
        assert not page.rejects
        (item,) = page.items
        return item

    yield read
    for source in sources:
        source.close()


def rss(item: str) -> str:
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    return f'<rss version="2.0" {spaces}><channel><title>T</title><item>{item}</item></channel></rss>'


def test_google_alerts_lead_to_the_page_itself(read: Read) -> None:
    link = escape("https://www.google.com/url?rct=j&sa=t&url=https://shop.example/a%3Fb%3D1&ct=ga&cd=CAI&usg=AOv")
    item = read(
        f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Google Alert - acme</title><entry>
        <id>tag:google.com,2013:googlealerts/feed:132</id><title type="html">&lt;b&gt;Acme&lt;/b&gt; breaks</title>
        <link href="{link}"/><published>2026-11-20T10:00:00Z</published><updated>2026-11-20T10:00:00Z</updated>
        <content type="html">Owners of &lt;b&gt;Acme&lt;/b&gt; phones&amp;nbsp;...</content>
        <author><name></name></author></entry></feed>"""
    )
    assert item.url == "https://shop.example/a?b=1"
    assert item.text == "Acme breaks\nOwners of Acme phones ..."
    assert (item.external_id, item.author.name) == ("tag:google.com,2013:googlealerts/feed:132", None)


def test_google_news_say_which_paper_and_the_headline_once(read: Read) -> None:
    description = escape(
        '<a href="https://news.google.com/rss/articles/CBMi?oc=5" target="_blank">Acme recalls phones</a>&nbsp;&nbsp;'
        '<font color="#6f6f6f">The Daily</font>'
    )
    item = read(
        rss(
            f"""<title>Acme recalls phones - The Daily</title><guid isPermaLink="false">CBMi</guid>{DATE}
            <link>https://news.google.com/rss/articles/CBMi?oc=5</link><description>{description}</description>
            <source url="https://daily.example">The Daily</source>"""
        )
    )
    assert item.text == "Acme recalls phones - The Daily"
    assert (item.author.name, item.url) == ("The Daily", "https://news.google.com/rss/articles/CBMi?oc=5")


def test_stack_exchange_names_the_writer_and_keeps_code(read: Read) -> None:
    item = read(
        """<feed xmlns="http://www.w3.org/2005/Atom"><title>Newest questions</title><entry>
        <id>https://stackoverflow.com/q/79</id><title type="text">Acme SDK fails</title>
        <author><name>ann</name><uri>https://stackoverflow.com/users/1</uri></author>
        <link rel="alternate" href="https://stackoverflow.com/questions/79/acme"/>
        <published>2026-11-20T10:00:00Z</published><updated>2026-11-20T11:00:00Z</updated>
        <summary type="html">&lt;p&gt;I call&lt;/p&gt;&lt;pre&gt;acme.run()&lt;/pre&gt;</summary></entry></feed>"""
    )
    assert item.text == "Acme SDK fails\nI call\nacme.run()"
    assert (item.author.handle, item.author.url) == ("ann", "https://stackoverflow.com/users/1")
    assert item.posted_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_lemmys_first_lines_are_no_words_of_the_author(read: Read) -> None:
    description = escape(
        'submitted by <a href="https://lemmy.example/u/ann">ann</a> to <a href="https://lemmy.example/c/tech">tech</a><br>'
        '-3 points | <a href="https://lemmy.example/post/7">12 comments</a><br><p>It stopped after a week.</p>'
    )
    item = read(
        rss(
            f"""<title>Acme phone broke</title><link>https://lemmy.example/post/7</link>{DATE}
            <guid>https://lemmy.example/post/7</guid><dc:creator>https://lemmy.example/u/ann</dc:creator>
            <description>{description}</description>"""
        )
    )
    assert item.text == "Acme phone broke\nIt stopped after a week."
    assert item.engagement == Engagement(likes=0, answers=12)


def test_discourses_last_lines_are_no_words_of_the_author(read: Read) -> None:
    description = escape(
        "<p>It stopped after a week.</p><p><small>2 posts - 1 participant</small></p>"
        '<p><a href="https://forum.example/t/x/7">Read full topic</a></p>'
    )
    item = read(
        rss(
            f"""<title>Acme phone broke</title><dc:creator>ann</dc:creator>
            <guid isPermaLink="false">forum-topic-7</guid>{DATE}<link>https://forum.example/t/x/7</link><description>{description}</description>"""
        )
    )
    assert item.text == "Acme phone broke\nIt stopped after a week."
    assert item.author.handle == "ann"


def test_the_sound_of_a_podcast_is_left_alone_and_its_picture_kept(read: Read) -> None:
    item = read(
        rss(
            f"""<title>Episode 7: Acme</title><guid>7</guid>{DATE}
            <enclosure url="https://pod.example/7.mp3" type="audio/mpeg" length="9000000"/>
            <media:content url="https://pod.example/7.jpg" medium="image"/>"""
        )
    )
    assert item.media == ("https://pod.example/7.jpg",)
    assert item.text == "Episode 7: Acme"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.google.com/url?url=javascript:alert(1)",
        "https://www.google.com/search?q=https://shop.example",
        "https://google.com.evil.example/url?url=https://shop.example",
        "https://evil.example/url?url=https://shop.example",
        "https://www.google.com/url",
    ],
)
def test_what_is_no_redirect_of_googles_stays_as_it_is(link: str) -> None:
    assert true_link(link) == link


@given(st.text(max_size=30), st.text(max_size=30))
def test_nothing_of_title_or_body_is_lost(title: str, body: str) -> None:
    shown = set(re.sub(r"[\s\-–—|·:]", "", title + body))
    assert shown <= set(joined(title, body))
