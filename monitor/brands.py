"""Which brands a text is about: the match expressions of all brands, tried on each item at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from ahocorasick_rs import AhoCorasick

from monitor.authors import Named
from monitor.brand_settings import AuthorsSettings
from monitor.errors import ConfigurationError
from monitor.match import Expression, Facts, Literal, language_code, parse
from monitor.settings import BrandSettings
from monitor.sources.base import Item
from monitor.words import fold

Identify = Callable[[str], str | None]  # a text's language


class Match:
    """A parsed match expression."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.root: Expression = parse(expression)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Words and phrases that find, in a service that searches, every text that matches through its words."""
        return tuple(dict.fromkeys(literal.shown for literal in self.root.terms()))

    def holds(self, text: str, *, source: str = "", rating: float | None = None, language: str | None = None) -> bool:
        finder = _Finder(self.root.literals())
        return self.root.holds(finder.hits(fold(text)), Facts(source, rating, lambda: language))


def parse_match(expression: str) -> Match:
    """Raises ConfigurationError (key "match") with the place of the mistake and its mend."""
    return Match(expression)


def plain_handle(handle: str) -> str:
    """A handle for comparing: no "@" or "u/" in front, case folded."""
    return fold(handle.strip()).removeprefix("/").removeprefix("u/").lstrip("@")


@dataclass(frozen=True, slots=True)
class _Unwanted:
    """What is not kept of a brand's matches, besides what nobody wants."""

    exclude: Match | None
    languages: frozenset[str]
    block: Named
    allow: Named


class Brands:
    """All brands. `identify` tells the language of a text whose source does not; without it such a text has no
    language, so `lang:` never holds for it. `languages` are those wanted of some sources, by name."""

    def __init__(
        self,
        settings: Iterable[BrandSettings],
        identify: Identify | None = None,
        authors: AuthorsSettings | None = None,
        languages: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        brands = list(settings)
        self._identify = identify
        self._matches = {brand.name: _parsed(brand.name, "match", brand.match) for brand in brands}
        self._unwanted = {
            b.name: _Unwanted(
                _parsed(b.name, "exclude", b.exclude) if b.exclude is not None else None,
                _codes(b.languages),
                Named(b.block_authors),
                Named(b.allow_authors),
            )
            for b in brands
        }
        authors = authors or AuthorsSettings()
        self._block, self._allow = Named(authors.block), Named(authors.allow)
        self._languages = {source: _codes(codes) for source, codes in (languages or {}).items() if codes}
        self._accounts = {b.name: frozenset(map(plain_handle, b.accounts)) - {""} for b in brands}
        self._own = frozenset[str]().union(*self._accounts.values())
        self._competitors = frozenset(b.name for b in brands if b.competitor)
        excludes = [each.exclude for each in self._unwanted.values() if each.exclude is not None]
        self._finder = _Finder(x for match in (*self._matches.values(), *excludes) for x in match.root.literals())
        self._rank = {name: rank for rank, name in enumerate(self._matches)}
        self._always: list[str] = []  # brands whose expression may hold without any of its words
        self._by_need: dict[Literal, list[str]] = {}
        for name, match in self._matches.items():
            needs = match.root.needs()
            if needs is None:
                self._always.append(name)
            for literal in needs or ():
                self._by_need.setdefault(literal, []).append(name)

    def names(self, item: Item, source: str, only: Collection[str] = ()) -> list[str]:
        """The brands that the item is about, in the order of the configuration: those whose expression it matches and
        that want it, and that whose own account wrote it. `only` names the brands to look for; none: all."""
        hits = self._finder.hits(fold(item.text))
        candidates = set(self._always)
        for literal in hits:
            candidates.update(self._by_need.get(literal, ()))
        facts = Facts(source, item.rating, _language(item, self._identify))
        found = {name for name in candidates if self._matches[name].root.holds(hits, facts)}
        if found and not self._allow.has(source, item.author.handle):
            found = {name for name in found if self._wanted(name, item, hits, facts)}
        handle = plain_handle(item.author.handle or "") if self._own else ""
        if handle in self._own:
            found.update(name for name, accounts in self._accounts.items() if handle in accounts)
        if only:
            found.intersection_update(only)
        return sorted(found, key=self._rank.__getitem__)

    def inherited(self, names: Iterable[str], item: Item, source: str, only: Collection[str] = ()) -> list[str]:
        """Those of the brands `names`, of what the item answers, that want the item too."""
        facts, hits = Facts(source, item.rating, _language(item, self._identify)), self._finder.hits(fold(item.text))
        allowed = self._allow.has(source, item.author.handle)
        return [
            name
            for name in names
            if name in self._matches
            and (not only or name in only)
            and (allowed or self._wanted(name, item, hits, facts))
        ]

    def _wanted(self, name: str, item: Item, hits: Set[Literal], facts: Facts) -> bool:
        """Whether the brand keeps an item that it matches. A text whose language cannot be told is kept."""
        rules, author = self._unwanted[name], item.author.handle
        if rules.allow.has(facts.source, author):
            return True
        if self._block.has(facts.source, author) or rules.block.has(facts.source, author):
            return False
        for wanted in (self._languages.get(facts.source), rules.languages):
            if wanted and (code := language_code(facts.language())) is not None and code not in wanted:
                return False
        return rules.exclude is None or not rules.exclude.root.holds(hits, facts)

    def is_own(self, author_handle: str | None) -> bool:
        """Whether the account belongs to one of the brands."""
        return author_handle is not None and plain_handle(author_handle) in self._own

    def terms(self, only: Collection[str] = ()) -> tuple[str, ...]:
        """The words, phrases, @handles and #tags to ask a service that searches for."""
        chosen = [match for name, match in self._matches.items() if not only or name in only]
        return tuple(dict.fromkeys(term for match in chosen for term in match.terms))

    def accounts(self, brand: str) -> frozenset[str]:
        """The brand's own accounts, as `plain_handle` writes them; none for an unknown brand."""
        return self._accounts.get(brand, frozenset())

    def competitor(self, name: str) -> bool:
        return name in self._competitors


def _parsed(brand: str, key: str, expression: str) -> Match:
    try:
        return parse_match(expression)
    except ConfigurationError as error:
        raise ConfigurationError(f"brands.{brand}.{key}", error.message, error.hint) from None


def _codes(languages: Iterable[str]) -> frozenset[str]:
    return frozenset(code for each in languages if (code := language_code(each)) is not None)


class _Finder:
    """Finds many literals in one pass; the passing occurrences stand at word edges."""

    def __init__(self, literals: Iterable[Literal]) -> None:
        self._by_text: dict[str, list[Literal]] = {}
        for literal in dict.fromkeys(literals):
            self._by_text.setdefault(literal.text, []).append(literal)
        self._groups = list(self._by_text.values())
        self._automaton = AhoCorasick(list(self._by_text), store_patterns=False)

    def hits(self, text: str) -> set[Literal]:
        found: set[Literal] = set()
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            for literal in self._groups[index]:
                if literal not in found and literal.fits(text, start, end):
                    found.add(literal)
        return found


def _language(item: Item, identify: Identify | None) -> Callable[[], str | None]:
    known: list[str | None] = [item.language] if item.language or identify is None else []

    def language() -> str | None:
        if not known:
            assert identify is not None
            known.append(identify(item.text))
        return known[0]

    return language
