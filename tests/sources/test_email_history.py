"""What remains of a mail when the history and the signature are taken away, in many languages and mail programs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.email_history import html_text, written

FORM = "Hello,\n\nName: Ann\nEmail: ann@x.example\nOrder: 5\nIt broke"
QUOTE = "\n\n> earlier words\n> and more\n"


@pytest.mark.parametrize(
    "introduction",
    [
        "On Fri, Nov 20, 2026 at 12:00 PM Acme <help@acme.example> wrote:",
        "On Fri, Nov 20, 2026 at 12:00 PM Acme Help and Care Team <\nhelp@acme.example> wrote:",
        "Acme <help@acme.example>, 20 Kas 2026 Cum, 12:00 tarihinde şunu yazdı:",
        "Kuupäev R, 20. november 2026 kell 12:00 kirjutas Acme (<help@acme.example>):",
        "пет, 20. нов 2026. у 12:00 Acme <help@acme.example> је написао/ла:",
        "pet, 20. nov 2026. u 12:00 Acme <help@acme.example> je napisao/la:",
        "வெள்., 20 நவ., 2026, பிற்பகல் 12:00 அன்று, Acme <help@acme.example> எழுதியது:",
        "Noong Biy, Nob 20, 2026 nang 12:00 PM, sinulat ni Acme <help@acme.example> ang:",
        "2026年11月20日(金) 12:00 Acme <help@acme.example>:",
        "2026년 11월 20일 (금) 오후 12:00, Acme <help@acme.example>님이 작성:",
        "Am Fr., 20. Nov. 2026 um 12:00 Uhr schrieb Acme <help@acme.example>:",
        "Le ven. 20 nov. 2026 à 12:00, Acme <help@acme.example> a écrit :",
        "пт, 20 нояб. 2026 г. в 12:00, Acme <help@acme.example>:",
        "في الجمعة، 20 نوفمبر 2026 في 12:00 م تمت كتابة ما يلي بواسطة Acme <help@acme.example>:",
        "เมื่อ ศ. 20 พ.ย. 2569 เวลา 12:00 Acme <help@acme.example> เขียนว่า:",
        "On 20/11/2026 12:00, Acme wrote:",
    ],
)
@pytest.mark.parametrize("below", [QUOTE, "\n\nearlier words\nwithout any marks\n"], ids=["marked", "unmarked"])
def test_history_is_known_by_what_introduces_it_and_not_by_its_language(introduction: str, below: str) -> None:
    words = "It broke again.\nWhere is my money?"
    assert written(f"{words}\n\n{introduction}{below}") == words


@pytest.mark.parametrize(
    "block",
    [
        "From: Acme <help@acme.example>\nSent: Friday, November 20, 2026 12:00 PM\nTo: Ann\nSubject: RE: order",
        "Von: Acme\nGesendet: Freitag, 20. November 2026 12:00\nAn: Ann\nBetreff: AW: Bestellung",
        "*Saatja:* Acme\n*Saadetud:* 20. november 2026 12:00\n*Saaja:* Ann\n*Teema:* tellimus",
        "Kimden: Acme\nGönderildi: 20 Kasım 2026 Cuma 12:00\nKime: Ann\nKonu: sipariş",
        "________________________________\nFrom: Acme\nSent: Friday, 20 November 2026 12:00\nTo: Ann",
        "-----Original Message-----\nFrom: Acme\nSubject: order",
        "-------- Algne kiri --------\nTeema: tellimus",
    ],
)
def test_the_header_of_an_earlier_mail_ends_the_words(block: str) -> None:
    assert written(f"Läks jälle katki.\n\n{block}\n\nDear Ann, earlier words") == "Läks jälle katki."


def test_answers_between_quoted_lines_are_kept() -> None:
    text = "On 20/11/2026 12:00, Acme wrote:\n> Is it broken?\nYes.\n> Since when?\nSince Monday.\n"
    assert written(text) == "Yes.\nSince Monday."


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It broke.\n-- \nAnn\nCEO of Everything", "It broke."),
        ("It broke.\n\nSent from my iPhone", "It broke."),
        ("Kaputt.\n\nVon meinem iPhone gesendet", "Kaputt."),
        ("Bozuldu.\n\niPhone'umdan gönderildi", "Bozuldu."),
        ("My iPhone case from acme broke", "My iPhone case from acme broke"),
        ("Hello,\n\nacme broke my Samsung", "Hello,\n\nacme broke my Samsung"),
        ("A list:\n- one\n- two", "A list:\n- one\n- two"),
        ("I called at 12:00:\nnobody answered", "I called at 12:00:\nnobody answered"),
        (FORM, FORM),
    ],
)
def test_signatures_go_and_words_stay(text: str, kept: str) -> None:
    assert written(text) == kept


def test_a_mail_that_only_passes_another_on_is_kept() -> None:
    assert "earlier words" in written("From: Ann\nSent: Friday, November 20, 2026 12:00\nTo: Bo\n\nearlier words")
    assert written("> earlier words\n> and more") == "earlier words\nand more"


@pytest.mark.parametrize(
    "history",
    [
        '<div class="gmail_quote"><div class="gmail_attr">On x wrote:<br></div><blockquote>old</blockquote></div>',
        '<blockquote type="cite"><div>old<blockquote>older</blockquote></div></blockquote>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From: x</div><div>old</div>',
        '<div class="moz-cite-prefix">On x wrote:<br></div><blockquote>old</blockquote>',
        '<div class="yahoo_quoted"><p>old<p>older</div>',
    ],
)
def test_history_that_html_marks_is_left_out(history: str) -> None:
    whole, unquoted = html_text(f"<html><style>p {{}}</style><p>It broke &amp; burnt</p>{history}</html>")
    assert unquoted == "It broke & burnt"
    assert "old" in whole


@given(st.text(alphabet=st.sampled_from("ab:>@<- \n.1220/"), max_size=300))
def test_words_are_never_lost_altogether(text: str) -> None:
    assert bool(written(text)) == bool("\n".join(line.lstrip("> ") for line in text.split("\n")).strip())


@given(st.text(alphabet=st.sampled_from('<>/ab="c divblockquote'), max_size=200))
def test_broken_markup_never_raises(html: str) -> None:
    html_text(html)
