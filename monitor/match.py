"""Match expressions: what a person writes to say which texts are about a brand.

acme                  a word, also inside @acme and #acme; case and kind of apostrophe do not matter
acme*                 a word that begins so (*acme: that ends so), for languages with endings
"acme phone"          these words in a row
@acme  #acmefail      a handle, a tag
lang:de               the item's language (ISO 639)
source:reviews        the configured source's name
rating:<=2            stars: <=2, <3, >=4, >4, 5, 1-2; an item without stars never matches
NOT, AND, OR          in capitals; NOT binds most, then AND, then OR; parentheses
acme phone            two terms side by side: both (AND)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from monitor.errors import ConfigurationError
from monitor.words import ends_word, fold, starts_sign, starts_word

MAX_DEPTH = 50
_QUOTES = '"“”„‟'
_FIELDS = ("lang", "source", "rating")
_WORD = re.compile(rf"[^\s(){_QUOTES}]+")
_RATING = re.compile(r"(?:(?P<op><=|>=|<|>|=)?(?P<one>\d+(?:\.\d+)?)|(?P<low>\d+(?:\.\d+)?)-(?P<high>\d+(?:\.\d+)?))$")
_LEGACY = {"in": "id", "iw": "he", "ji": "yi", "nb": "no", "nn": "no"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A string to look for in folded text. `shown` is how a service that searches is asked for it."""

    text: str
    shown: str = field(compare=False)
    open_left: bool = False
    open_right: bool = False

    def fits(self, text: str, start: int, end: int) -> bool:
        """Whether an occurrence in the folded `text` stands at word edges."""
        starts = starts_sign if self.text[0] in "@#" else starts_word
        return (self.open_left or starts(text, start)) and (self.open_right or ends_word(text, end))


@dataclass(frozen=True, slots=True)
class Facts:
    """What fields are tested against. `language` is asked for only when an expression needs it."""

    source: str
    rating: float | None
    language: Callable[[], str | None]


class Expression:
    """One node of a parsed expression."""

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        raise AssertionError("a node says when it holds")

    def needs(self) -> frozenset[Literal] | None:
        """Literals of which at least one occurs in every text that matches; None: it may match without any."""
        return None

    def terms(self) -> tuple[Literal, ...]:
        """What to ask a service that searches for: finds every text that matches through its words."""
        return ()

    def literals(self) -> frozenset[Literal]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Has(Expression):
    literal: Literal

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        return self.literal in hits

    def needs(self) -> frozenset[Literal] | None:
        return frozenset((self.literal,))

    def terms(self) -> tuple[Literal, ...]:
        return (self.literal,)

    def literals(self) -> frozenset[Literal]:
        return frozenset((self.literal,))


@dataclass(frozen=True, slots=True)
class Lang(Expression):
    code: str

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        return language_code(facts.language()) == self.code


@dataclass(frozen=True, slots=True)
class From(Expression):
    source: str

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        return fold(facts.source) == self.source


@dataclass(frozen=True, slots=True)
class Rated(Expression):
    low: float = float("-inf")
    high: float = float("inf")
    strict: bool = False

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        if facts.rating is None:
            return False
        return self.low < facts.rating < self.high if self.strict else self.low <= facts.rating <= self.high


@dataclass(frozen=True, slots=True)
class Not(Expression):
    part: Expression

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        return not self.part.holds(hits, facts)

    def literals(self) -> frozenset[Literal]:
        return self.part.literals()


@dataclass(frozen=True, slots=True)
class All(Expression):
    parts: tuple[Expression, ...]

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        return all(part.holds(hits, facts) for part in self.parts)

    def needs(self) -> frozenset[Literal] | None:
        return min((n for p in self.parts if (n := p.needs()) is not None), key=len, default=None)

    def terms(self) -> tuple[Literal, ...]:
        return min((t for p in self.parts if (t := p.terms())), key=len, default=())

    def literals(self) -> frozenset[Literal]:
        return frozenset().union(*(p.literals() for p in self.parts))


@dataclass(frozen=True, slots=True)
class Any(Expression):
    parts: tuple[Expression, ...]

    def holds(self, hits: Set[Literal], facts: Facts) -> bool:
        return any(part.holds(hits, facts) for part in self.parts)

    def needs(self) -> frozenset[Literal] | None:
        needed: frozenset[Literal] = frozenset()
        for part in self.parts:
            more = part.needs()
            if more is None:
                return None
            needed |= more
        return needed

    def terms(self) -> tuple[Literal, ...]:
        return tuple(dict.fromkeys(t for p in self.parts for t in p.terms()))

    def literals(self) -> frozenset[Literal]:
        return frozenset().union(*(p.literals() for p in self.parts))


def language_code(tag: str | None) -> str | None:
    """The ISO 639 code of a language tag: "pt-BR" is "pt"; the withdrawn codes some services use are renewed."""
    code = re.split("[-_]", tag.strip().lower())[0] if tag else None
    return _LEGACY.get(code, code) if code else None


class _Token(NamedTuple):
    kind: str  # "(", ")", AND, OR, NOT, phrase, word, end
    text: str
    at: int


def parse(source: str) -> Expression:
    """Raises ConfigurationError(key "match") that names the character and the mend."""
    return _Parser(source).parse()


def _wrong(at: int, message: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError("match", f"at character {at + 1}: {message}", hint)


class _Parser:
    def __init__(self, source: str) -> None:
        self.tokens = _tokens(source)
        self.at = 0
        self.depth = 0

    def parse(self) -> Expression:
        if self._next.kind == "end":
            raise ConfigurationError("match", "the expression is empty", "write at least one word")
        found = self._any()
        if self._next.kind == ")":
            raise _wrong(self._next.at, "a parenthesis is closed that was never opened")
        if found.holds(frozenset(), Facts("", None, lambda: None)):
            hint = "add a word that must be there"
            raise ConfigurationError("match", "it matches every text that lacks a word", hint)
        return found

    @property
    def _next(self) -> _Token:
        return self.tokens[self.at]

    def _take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def _any(self) -> Expression:
        parts = [self._all()]
        while self._next.kind == "OR":
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self) -> Expression:
        parts = [self._one()]
        while self._next.kind not in ("OR", ")", "end"):
            if self._next.kind == "AND":
                self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Expression:
        token = self._take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _wrong(token.at, "nested too deeply", f"at most {MAX_DEPTH} levels")
        found: Expression
        if token.kind == "NOT":
            found = Not(self._one())
        elif token.kind == "(":
            found = self._any()
            if self._take().kind != ")":
                raise _wrong(token.at, "this parenthesis is never closed", 'add ")"')
        elif token.kind == "phrase":
            found = Has(_phrase(token))
        elif token.kind == "word":
            found = _term(token)
        elif token.kind == "end":
            raise _wrong(token.at, "the expression ends where a word is expected")
        else:
            raise _wrong(token.at, f'a word is expected before "{token.text}"')
        self.depth -= 1
        return found


def _tokens(source: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(source):
        char = source[at]
        if char.isspace():
            at += 1
        elif char in "()":
            tokens.append(_Token(char, char, at))
            at += 1
        elif char in _QUOTES:
            text, end = _quoted(source, at)
            tokens.append(_Token("phrase", text, at))
            at = end
        else:
            match = _WORD.match(source, at)
            assert match is not None
            word, end = match[0], match.end()
            if word.lower() == "source:" and end < len(source) and source[end] in _QUOTES:
                text, end = _quoted(source, end)
                word += text
            kind = word if word in ("AND", "OR", "NOT") else "word"
            if kind == "word" and word.upper() in ("AND", "OR", "NOT"):
                hint = f'write {word.upper()}, or "{word}" for the word'
                raise _wrong(at, f'"{word}" is taken for an operator', hint)
            tokens.append(_Token(kind, word, at))
            at = end
    return [*tokens, _Token("end", "", len(source))]


def _quoted(source: str, at: int) -> tuple[str, int]:
    end = next((i for i in range(at + 1, len(source)) if source[i] in _QUOTES), None)
    if end is None:
        raise _wrong(at, "this quotation mark is never closed", "add another at the end of the phrase")
    return source[at + 1 : end], end + 1


def _phrase(token: _Token) -> Literal:
    text = fold(token.text)
    if not text:
        raise _wrong(token.at, "there is nothing between the quotation marks")
    return Literal(text, " ".join(token.text.split()))


def _term(token: _Token) -> Expression:
    word = token.text
    name, colon, value = word.partition(":")
    if colon and name.lower() in _FIELDS:
        return _field(token, name.lower(), value)
    if colon and name.isalpha() and value:
        near = get_close_matches(name.lower(), _FIELDS, n=1)
        hint = f"did you mean {near[0]}:?" if near else f'for the text itself write "{word}"'
        raise _wrong(token.at, f'there is no field "{name}:"', hint)
    if word[0] in "-–−" and len(word) > 1:
        raise _wrong(token.at, f'"{word}" is no term', f"write NOT {word[1:]}")
    shown = word.strip("*")
    text = fold(shown)
    if not text or text in ("@", "#"):
        raise _wrong(token.at, f'"{word}" has nothing to look for', "write a word, @handle or #tag")
    if len(text) < 2 and shown != word:
        raise _wrong(token.at, f'"{word}" would match nearly everything', "write at least two letters beside the *")
    if "*" in shown:
        raise _wrong(token.at, f'"{word}" has a * in the middle', "* stands only at the beginning or the end of a word")
    return Has(Literal(text, shown, word.startswith("*"), word.endswith("*")))


def _field(token: _Token, name: str, value: str) -> Expression:
    if name == "source":
        if not fold(value):
            raise _wrong(token.at, "source: needs a name", 'such as source:reviews or source:"App Store"')
        return From(fold(value))
    if name == "lang":
        code = language_code(value)
        if not code or not re.fullmatch("[a-z]{2,3}", code):
            raise _wrong(token.at, f'"{value}" is no language code', "two or three letters, such as lang:de")
        return Lang(code)
    found = _RATING.match(value)
    if not found:
        raise _wrong(token.at, f'"{value}" is no rating', "such as rating:<=2, rating:1-2 or rating:5")
    low, high, op = found["low"] or found["one"], found["high"] or found["one"], found["op"] or "="
    if not 1 <= float(low) <= float(high) <= 5:
        raise _wrong(token.at, f'"{value}" is no rating', "ratings run from 1 (worst) to 5")
    if op == "=":
        return Rated(float(low), float(high))
    return Rated(high=float(high), strict=op == "<") if "<" in op else Rated(low=float(low), strict=op == ">")
