from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.classify.language import _identifier, language
from monitor.classify.text import clean


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("My order never arrived and nobody answers", "en"),
        ("Kargom hâlâ gelmedi, çok sinirliyim", "tr"),
        ("Ang tagal ng delivery nyo, grabe naman kayo", "tl"),
        ("Pakk ei ole ikka veel kohale jõudnud", "et"),
        ("Paket još nije stigao, ovo je katastrofa", "sr"),
        ("Пакет још није стигао, ово је катастрофа", "sr"),
        ("என் பார்சல் இன்னும் வரவில்லை", "ta"),
        ("innum parcel varala anna, romba mosam", "ta"),
        ("bahut kharab service hai, abhi tak nahi aaya", "hi"),
        ("मेरा पार्सल अभी तक नहीं आया", "hi"),
        ("Mi pedido no ha llegado todavía", "es"),
        ("注文した商品がまだ届きません", "ja"),
        ("我的包裹还没有到", "zh"),
        ("посылка до сих пор не пришла, что это такое", "ru"),
    ],
)
def test_customers_languages_are_told(text: str, code: str) -> None:
    assert language(clean(text))[0] == code


def test_croatian_is_told_apart_only_where_the_source_says_so() -> None:
    assert language("Paket još nije stigao, ovo je katastrofa", "hr")[0] == "hr"


@pytest.mark.parametrize("text", ["👍", "123 456", "@user http", "...", "ok"])
def test_what_nobody_can_tell_is_und(text: str) -> None:
    code, p = language(text)
    assert code == "und" or p < 1
    assert p <= 1


def test_the_sources_word_counts_for_a_doubtful_text() -> None:
    assert language("telefon", "tr")[0] in ("tr", "und")
    assert language("My order never arrived and nobody answers", "tr")[0] == "en"
    assert language("Ang tagal ng delivery nyo", "fil")[0] == "tl"


@given(st.text(max_size=200), st.one_of(st.none(), st.text(max_size=10)))
def test_any_text_has_a_language_and_a_probability(text: str, claim: str | None) -> None:
    code, p = language(clean(text), claim)
    assert 2 <= len(code) <= 3
    assert 0 <= p <= 1


def test_where_no_file_can_be_made_the_tables_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("monitor.classify.language.TemporaryFile", full)
    in_memory, on_disk = _identifier.__wrapped__(), _identifier()
    text = "my order never arrived and nobody answers"
    assert isinstance(on_disk.tk_nextmove, memoryview)
    assert not isinstance(in_memory.tk_nextmove, memoryview)
    assert in_memory.rank(text) == on_disk.rank(text)
