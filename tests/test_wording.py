"""Words that anger, other languages, personal data."""

from __future__ import annotations

import pytest

from monitor.wording import angering, hints, personal


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("We can't do that, sorry", "en", ["can't"]),
        ("We can\N{RIGHT SINGLE QUOTATION MARK}t. Our POLICY says so", "en", ["can't", "policy"]),
        ("Your canteen won a wontedly donut", "en", []),
        ("İade edemiyoruz, maalesef", "tr", ["edemiyoruz", "maalesef"]),
        ("Bunu yapamayız; politikamız böyle", "tr", ["yapamayız", "politikamız"]),
        ("Hemen ilgileniyoruz, size döneceğiz", "tr", []),
        ("எங்களால் முடியாது", "ta", ["முடியாது"]),
        ("இது எங்கள் கொள்கையில் உள்ளது", "ta", ["கொள்கையில்"]),
        ("விரைவில் சரி செய்கிறோம்", "ta", []),
        ("Hindi po namin magagawa iyan", "tl", ["hindi po namin"]),
        ("Bawal po yan, that is our policy", "tl", ["bawal", "policy"]),
        ("Inaayos na po namin", "fil", []),
        ("Kahjuks ei saa me seda teha", "et", ["kahjuks", "ei saa"]),
        ("Uurime kohe, kus pakk on", "et", []),
        ("Nažalost ne možemo, takva je politika kompanije", "sr", ["nažalost", "ne možemo", "politika"]),
        ("Nazalost ne mozemo", "hr", ["nazalost", "ne mozemo"]),
        ("Нажалост не можемо, то није могуће", "sr", ["нажалост", "не можемо", "није могуће"]),
        ("Проверавамо одмах и јављамо се", "sr", []),
    ],
)
def test_words_that_anger_in_the_languages_of_the_customers(text: str, language: str, found: list[str]) -> None:
    assert angering(text, language) == found


def test_english_words_are_found_in_any_language_and_all_where_none_is_known() -> None:
    assert angering("Unfortunately", "et") == ["unfortunately"]
    assert angering("ei saa", None) == ["ei saa"]
    assert angering("ei saa", "tr") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to ann.b@example.co.uk today", [("An e-mail address", "ann.b@example.co.uk")]),
        ("Call +372 5123 4567.", [("A phone number", "+372 5123 4567")]),
        ("Call 0532 123 45 67", [("A phone number", "0532 123 45 67")]),
        ("Your IBAN EE38 2200 2210 2014 5685 is known", [("An IBAN", "EE38 2200 2210 2014 5685")]),
        ("IBAN EE38 2200 2210 2014 5686", []),
        ("Card 4111 1111 1111 1111 was charged", [("A card number", "4111 1111 1111 1111")]),
        ("Order 4111111111111112 has left", []),
        ("Order 20261120 arrives on 2026-11-25 at 14:30, 1,250 EUR", []),
        ("See https://example.com/orders/1234567890", []),
        ("We are on it @ann", []),
    ],
)
def test_personal_data_is_told_from_order_numbers_and_dates(text: str, found: list[tuple[str, str]]) -> None:
    assert personal(text) == found


def test_a_reply_in_another_language_is_noticed_and_alike_ones_are_not() -> None:
    english = "We are looking into this right now"
    assert [hint.words for hint in hints(english, "tr", lambda text: "en")] == [
        "This is in English, the customer wrote in Turkish."
    ]
    assert hints(english, "en", lambda text: "en") == []
    assert hints("Proveravamo odmah, javljamo se", "hr", lambda text: "sr") == []
    assert hints("OK!", "tr", lambda text: "en") == []
    assert hints(english, "und", lambda text: "en") == []


def test_every_kind_of_hint_says_what_it_is_about() -> None:
    found = hints("We can't refund 4111-1111-1111-1111 yet", "en", lambda text: "en")
    assert [(hint.kind, hint.found) for hint in found] == [
        ("anger", "can't"),
        ("personal", "4111-1111-1111-1111"),
    ]
