"""Serbian in its two scripts."""

from __future__ import annotations

import pytest

from monitor.notice_texts import PLACEHOLDERS, TEXTS, fill, text_for
from monitor.serbian import cyrillic, in_cyrillic
from monitor.web.survey_words import words_for


@pytest.mark.parametrize(
    ("latin", "turned"),
    [
        ("Ljubljana, Njegoš i DŽEP", "Љубљана, Његош и ЏЕП"),
        ("Đak ćuti; žaba šeta čamcem.", "Ђак ћути; жаба шета чамцем."),
        ("do {time}, {name}!", "до {time}, {name}!"),
        ("Већ ћирилица", "Већ ћирилица"),
        ("", ""),
    ],
)
def test_latin_letters_become_cyrillic_ones_and_placeholders_stay(latin: str, turned: str) -> None:
    assert cyrillic(latin) == turned


def test_the_script_is_that_of_most_letters() -> None:
    assert in_cyrillic("Пакет Acme није стигао")
    assert not in_cyrillic("Paket „Пошта“ nije stigao")
    assert not in_cyrillic("123 👍")


@pytest.mark.parametrize("variant", TEXTS)
def test_who_writes_cyrillic_is_told_in_cyrillic(variant: str) -> None:
    given = dict.fromkeys(PLACEHOLDERS, "5")
    told = fill(text_for(variant, "sr", {}, "Где је мој пакет?") or "", given) or ""
    assert in_cyrillic(told)
    assert not any("a" <= letter.lower() <= "z" for letter in told)
    assert text_for(variant, "sr", {}, "Gde je moj paket?") == TEXTS[variant]["sr"]
    assert text_for(variant, "ru", {}, "Где мой пакет?") is None


def test_own_texts_keep_the_script_in_which_they_were_written() -> None:
    assert text_for("soon", "sr", {"sr": "Zdravo, {brand}"}, "Где је?") == "Zdravo, {brand}"


def test_the_customers_page_is_in_the_script_of_the_customer() -> None:
    page = words_for("sr", "Где је мој пакет?")
    assert (page.tag, page.question, page.scale[4]) == ("sr-Cyrl", "Како оцењујете нашу помоћ?", "Одлично")
    assert words_for("sr", "Gde je?").tag == "sr-Latn"
    assert words_for("ru", "Где?").tag == "en"
