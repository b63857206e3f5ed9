from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.brand_settings import AuthorsSettings
from monitor.brands import Brands, parse_match
from monitor.errors import ConfigurationError
from monitor.settings import BrandSettings
from monitor.sources.base import Author, Item
from monitor.words import fold

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def item(text: str, **more: object) -> Item:
    return Item("1", text, NOON, **more)  # type: ignore[arg-type]


def brands(*matches: str, **more: object) -> Brands:
    return Brands([BrandSettings(name=f"b{i}", match=match, **more) for i, match in enumerate(matches)])


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("acme", "I hate ACME's app", True),
        ("acme", "acmes", False),
        ("acme", "my-acme, again", True),
        ("acme", "acme2", False),
        ("acme", "acme_help", False),
        ("acme", "@acme #acme", True),
        ("acme", "Acme™ is late", True),
        ("acme*", "Acmesti äpp ei tööta", True),
        ("*acme", "superacme", True),
        ("acme*", "superacme", False),
        ('"acme phone"', "the Acme\n  phone broke", True),
        ('"acme phone"', "acme phones", False),
        ("“acme phone”", "acme phone", True),
        ("@acme", "hello @Acme!", True),
        ("@acme", "write to info@acme.com", False),
        ("@acme", "@acmehelp", False),
        ("@acme", "acme", False),
        ("#acme", "so #Acme.", True),
        ("#acme", "#acmefail", False),
        ("mcdonald's", "McDonald’s again", True),
        ("C&A", "at c&a today", True),
        ("yahoo!", "Yahoo! is down", True),
        ("acme phone", "the phone by acme", True),
        ("acme AND phone", "acme tablet", False),
        ("acme OR phone tablet", "acme", True),
        ("(acme OR phone) tablet", "acme", False),
        ("acme NOT phone", "acme phone", False),
        ("acme NOT (phone OR tablet)", "acme watch", True),
        ('"or"', "this or that", True),
    ],
)
def test_a_text_matches_or_not(expression: str, text: str, expected: bool) -> None:
    assert parse_match(expression).holds(text) is expected


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("ソニー", "新しいソニーのテレビが壊れた", True),
        ("华为", "我的华为手机坏了", True),
        ("acme", "我的acme手机坏了", True),
        ("@acme", "你好@acme，坏了", True),
        ("ไทย", "การบินไทยช้ามาก", True),
        ("กา", "กาแฟ", True),
        ("ก", "กำ", False),  # a vowel sign belongs to its consonant
        ("쿠팡", "쿠팡에서 주문했어요", True),
        ("쿠팡", "이쿠팡", False),
        ("lg", "LG전자는", True),
        ("தமிழ்", "தமிழ் செயலி", True),
        ("தமிழ", "தமிழ் செயலி", False),
        ("கட", "கடை", False),
        ("istanbul", "İSTANBUL'da", True),
        ("İstanbul", "istanbul", True),
        ("ısparta", "ISPARTA", True),
        ("café", "cafe\u0301 noir", True),
        ("cafe", "cafe\u0301 noir", False),
        ("straße", "STRASSE", True),
        ("ΟΔΟΣ", "οδος", True),
        ("acme", "ａｃｍｅ", True),
        ("acme", "𝗔𝗰𝗺𝗲 is down", True),
        ("دیجیکالا", "دیجی\u200cکالا دیر کرد", True),
        ("أمازون", "امازون سيء", True),
        ("😡", "so 😡!", True),
        ("acme", "ac\u00adme", True),
        ("acme", "acme\ud800", True),
    ],
)
def test_words_have_edges_in_every_script(expression: str, text: str, expected: bool) -> None:
    assert parse_match(expression).holds(text) is expected


def test_fields_narrow_a_match() -> None:
    match = parse_match('acme lang:de source:"App Store" rating:<=2')
    assert match.holds("acme", source="app store", rating=1, language="de-AT")
    assert not match.holds("acme", source="app store", rating=1, language="en")
    assert not match.holds("acme", source="rss", rating=1, language="de")
    assert not match.holds("acme", source="app store", rating=2.5, language="de")
    assert not match.holds("acme", source="app store", language="de")


@pytest.mark.parametrize(
    ("rating", "matching"),
    [("1-2", [1, 2]), (">=4", [4, 5]), (">4", [5]), ("<2", [1]), ("3", [3]), ("=3", [3]), ("2-2", [2])],
)
def test_ratings_are_ranges(rating: str, matching: list[int]) -> None:
    match = parse_match(f"acme rating:{rating}")
    assert [n for n in range(1, 6) if match.holds("acme", rating=n)] == matching


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("acme or phone", 'character 6: "or" is taken for an operator (write OR'),
        ("(acme", "character 1: this parenthesis is never closed"),
        ("acme)", "character 5: a parenthesis is closed that was never opened"),
        ("()", "character 2: a word is expected"),
        ("acme AND", "character 9: the expression ends"),
        ("AND acme", 'character 1: a word is expected before "AND"'),
        ('acme "phone', "character 6: this quotation mark is never closed"),
        ('""', "nothing between the quotation marks"),
        ("NOT acme", "every text that lacks a word"),
        ("acme OR NOT phone", "every text that lacks a word"),
        ("land:de acme", "did you mean lang:"),
        ("https://acme.com", 'write "https://acme.com"'),
        ("-acme", "write NOT acme"),
        ("acme rating:0", "from 1 (worst) to 5"),
        ("acme rating:5-1", "from 1 (worst) to 5"),
        ("acme rating:good", "is no rating"),
        ("acme lang:german", "no language code"),
        ("source:", "needs a name"),
        ("@", "nothing to look for"),
        ("*", "nothing to look for"),
        ("a*", "nearly everything"),
        ("ac*me", "in the middle"),
        ("\u200b", "nothing to look for"),
        ("(" * 60 + "acme" + ")" * 60, "nested too deeply"),
    ],
)
def test_a_wrong_expression_says_where_and_how_to_mend_it(expression: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_match(expression)
    assert words in str(caught.value)
    assert caught.value.key == "match"


def test_a_wrong_brand_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"brands\.b0\.match"):
        brands("(")


def test_many_brands_are_found_at_once_in_their_order() -> None:
    many = brands(*(f"brand{i}" for i in range(500)), "source:reviews", "brand7 NOT brand8")
    assert many.names(item("brand8 brand7 brand499"), "x") == ["b7", "b8", "b499"]
    assert many.names(item("brand7"), "reviews") == ["b7", "b500", "b501"]
    assert many.names(item("nothing"), "x") == []
    assert many.names(item("brand7 brand8"), "x", only=("b8",)) == ["b8"]


def test_no_brands_match_nothing() -> None:
    assert Brands([]).names(item("acme"), "x") == []
    assert Brands([]).terms() == ()


def test_own_accounts_are_known_however_they_are_written() -> None:
    ours = Brands([BrandSettings(name="Acme", match="acme", accounts=["@AcmeHelp", "u/acme_team", ""])])
    assert ours.is_own("acmehelp")
    assert ours.is_own("u/Acme_Team")
    assert not ours.is_own("acme")
    assert not ours.is_own("")
    assert not ours.is_own(None)
    assert ours.accounts("Acme") == {"acmehelp", "acme_team"}
    assert ours.accounts("Nobody") == frozenset()


def test_what_a_brands_own_account_writes_belongs_to_the_brand() -> None:
    ours = Brands(
        [
            BrandSettings(name="Acme", match="acme", accounts=["acmehelp"]),
            BrandSettings(name="Other", match="other", accounts=["otherhelp"], competitor=True),
        ]
    )
    assert ours.names(item("Sorry to hear that!", author=Author("AcmeHelp")), "x") == ["Acme"]
    assert ours.competitor("Other")
    assert not ours.competitor("Acme")


def test_search_terms_find_every_text_that_matches() -> None:
    found = brands('acme AND ("acme phone" OR tablet)', "@Acme OR #fail* OR source:x", "beta NOT gamma").terms()
    assert found == ("acme", "@Acme", "#fail", "beta")
    assert brands("one", "two").terms(only=("b1",)) == ("two",)


def test_an_unknown_language_is_found_only_when_an_expression_asks() -> None:
    asked = []

    def identify(text: str) -> str:
        asked.append(text)
        return "de"

    some = Brands([BrandSettings(name="a", match="acme lang:de"), BrandSettings(name="b", match="beta")], identify)
    assert some.names(item("beta"), "x") == ["b"]
    assert asked == []
    assert some.names(item("acme"), "x") == ["a"]
    assert some.names(item("acme", language="en"), "x") == []
    assert asked == ["acme"]


# against a slow and obvious model: space-separated words of a small alphabet

WORDS = ["acme", "beta", "Gamma", "ünder", "жук", "acmes", "@acme", "#beta"]
NEAR = [*WORDS, "ACME", "acmé", "beta,", "'gamma'", "UNDER", "Жук", "x@acme", "##beta", "-"]


def _tree() -> st.SearchStrategy[object]:
    leaf = st.sampled_from(WORDS)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(st.just("NOT"), inner),
            st.tuples(st.sampled_from(["AND", "OR", " "]), st.lists(inner, min_size=2, max_size=3)),
        ),
        max_leaves=8,
    )


def _write(tree: object) -> str:
    if isinstance(tree, str):
        return tree
    operator, inner = tree  # type: ignore[misc]
    if operator == "NOT":
        return f"NOT ({_write(inner)})"
    return "(" + (f" {operator} " if operator != " " else " ").join(map(_write, inner)) + ")"


def _model(tree: object, words: list[str]) -> bool:
    if isinstance(tree, str):
        tree = tree.lower()
        if tree[0] in "@#":
            return any(w.lower().strip("-,'") in (tree, f"#{tree}") for w in words)
        return any(_bare(w) == tree or (w.lower() == "x@acme" and tree == "acme") for w in words)
    operator, inner = tree  # type: ignore[misc]
    if operator == "NOT":
        return not _model(inner, words)
    return (any if operator == "OR" else all)(_model(part, words) for part in inner)


def _bare(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum() or "@" in word[1:])


@settings(max_examples=300, deadline=None)
@given(_tree(), st.lists(st.sampled_from(NEAR), max_size=6))
def test_expressions_mean_what_the_model_says(tree: object, words: list[str]) -> None:
    guarded = f"anchor ({_write(tree)})"
    text = " ".join([*words, "anchor"])
    expected = _model(tree, words)
    assert parse_match(guarded).holds(text) is expected
    crowd = brands("zeta", guarded, *WORDS)
    assert ("b1" in crowd.names(item(text), "x")) is expected


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_folding_is_stable_and_blind_to_composition(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    clean = text.encode("utf-8", "ignore").decode()
    assert fold(unicodedata.normalize("NFD", clean)) == fold(unicodedata.normalize("NFC", clean))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_expression_is_parsed_or_refused(text: str) -> None:
    try:
        match = parse_match(text)
    except ConfigurationError:
        return
    match.holds(text)


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=12), st.text(max_size=8), st.text(max_size=8))
def test_a_phrase_is_found_between_spaces_in_any_script(word: str, before: str, after: str) -> None:
    if '"' in fold(word) or not fold(word) or any(q in word for q in "“”„‟"):
        return
    if unicodedata.category(fold(word)[0]).startswith("M"):
        return
    assert parse_match(f'"{word}"').holds(f"{before} {word} {after}")


def one(**rules: object) -> Brands:
    given = {"authors": rules.pop("authors", None), "languages": rules.pop("on", None)}
    return Brands([BrandSettings(name="Acme", match="acme", **rules)], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "kept", "left"),
    [
        ({"exclude": "jobs OR giveaway"}, {"text": "acme is slow"}, {"text": "Acme JOBS"}),
        ({"exclude": "rating:5"}, {"text": "acme", "rating": 4}, {"text": "acme", "rating": 5}),
        ({"languages": ["en-GB", "et"]}, {"text": "acme", "language": "et"}, {"text": "acme", "language": "de"}),
        ({"on": {"forum": ["en"]}}, {"text": "acme", "language": "en"}, {"text": "acme", "language": "de"}),
        ({"languages": ["en"]}, {"text": "acme"}, {"text": "acme", "language": "pt-BR"}),
        (
            {"block_authors": {"*": ["u/DealBot"]}},
            {"text": "acme", "author": Author("ann")},
            {"text": "acme", "author": Author("dealbot")},
        ),
        (
            {"authors": AuthorsSettings(block={"forum": ["@dealbot"]})},
            {"text": "acme", "author": Author("ann")},
            {"text": "acme", "author": Author("DealBot")},
        ),
    ],
    ids=["words", "stars", "language", "language of a source", "no language", "author", "author of any brand"],
)
def test_what_a_brand_does_not_want_is_left_out(
    rules: dict[str, object], kept: dict[str, object], left: dict[str, object]
) -> None:
    ours = one(**rules)
    assert ours.names(item(**kept), "forum") == ["Acme"]  # type: ignore[arg-type]
    assert ours.names(item(**left), "forum") == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "allow", [{"allow_authors": {"*": ["ann"]}}, {"authors": AuthorsSettings(allow={"*": ["ann"]})}]
)
def test_who_is_allowed_is_always_kept(allow: dict[str, object]) -> None:
    ours = one(exclude="jobs", languages=["et"], block_authors={"forum": ["ann"]}, **allow)
    assert ours.names(item("acme jobs", author=Author("Ann"), language="de"), "forum") == ["Acme"]
    assert ours.names(item("acme jobs", author=Author("bob"), language="et"), "forum") == []


def test_a_list_for_one_source_blocks_nobody_elsewhere() -> None:
    ours = one(block_authors={"forum": ["ann"]})
    assert ours.names(item("acme", author=Author("ann")), "blog") == ["Acme"]


def test_the_own_accounts_are_read_whatever_is_left_out() -> None:
    ours = one(exclude="sorry", accounts=["acmehelp"])
    assert ours.names(item("sorry for that", author=Author("acmehelp")), "forum") == ["Acme"]


def test_a_mistake_in_an_exclusion_names_its_key() -> None:
    with pytest.raises(ConfigurationError, match=r"brands\.Acme\.exclude: .*closed"):
        one(exclude="jobs)")
