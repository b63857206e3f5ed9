from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.markup import pictures, plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("no markup", "no markup"),
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("one<p>two<p>three", "one\ntwo\nthree"),
        ("line<br>break<br/>again", "line\nbreak\nagain"),
        ('<a href="https://example.com">link</a> text', "link text"),
        ("<script>alert(1)</script>seen<style>p {}</style>", "seen"),
        ("  <div>  much   space </div> ", "much space"),
        ("&#x41;&#66;&nbsp;&bogus;", "AB &bogus;"),
    ],
)
def test_markup_becomes_what_a_person_sees(html: str, text: str) -> None:
    assert plain(html) == text


def test_what_comes_before_broken_markup_is_read() -> None:
    assert plain("before<![0 after").startswith("before")


def test_pictures_are_told_from_signs_and_portraits() -> None:
    shown = '<p><IMG src="https://x.com/a.png" alt="a"><img class="emoji only" src="https://x.com/e.png">'
    hidden = '<img src="data:image/png;base64,AAAA"><img width=1><img class="avatar" src="https://x.com/p.png">'
    assert pictures(shown + hidden + shown) == ("https://x.com/a.png",)
    assert pictures("no picture") == ()


@given(st.text(alphabet=st.sampled_from("<>/&;!-[]ab \"'=#x0"), max_size=80))
def test_broken_markup_never_raises(html: str) -> None:
    plain(html)
    pictures("<img" + html)
