"""What to think over in a reply before it stands in public: words that anger, another language, personal data.

These are hints. Nothing is kept from being sent because of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import regex

from monitor.languages import language_name
from monitor.serbian import cyrillic

_LEAST = 12  # letters by which a language can be told

# Refusals and the rules they hide behind, as agents write them. A word ending in "-" stands for all that begin so.
_ANGERS = {
    "en": (
        "can't", "cannot", "can not", "won't", "will not", "don't", "do not", "doesn't", "unable to", "policy",
        "policies", "unfortunately", "impossible", "not possible", "not our fault", "calm down", "you should have",
        "you failed to", "as i said", "as we said", "as already", "terms and conditions",
    ),
    "tr": (
        "maalesef", "ne yazık ki", "mümkün değil", "imkansız", "imkânsız", "politika-", "prosedür-", "kurallarımız-",
        "bizim suçumuz değil", "sakin olun", "hayır", "olmaz",
    ),
    "ta": (
        "முடியாது", "இயலாது", "இயலவில்லை", "முடியவில்லை", "மாட்டோம்", "கொள்கை-", "விதிமுறை-", "துரதிர்ஷ்டவசமாக",
        "துரதிருஷ்டவசமாக", "mudiyathu", "mudiyadhu", "maattom",
    ),
    "tl": (
        "hindi namin", "hindi po namin", "hindi po kami", "hindi kami", "hindi pwede", "hindi po pwede", "hindi puwede",
        "hindi maaari", "hindi po maaari", "hindi kaya", "hindi na po", "bawal", "ayaw", "patakaran", "polisiya",
        "sa kasamaang palad", "sa kasamaang-palad", "huminahon",
    ),
    "et": (
        "ei saa", "ei või", "ei tohi", "ei tee", "ei tagasta", "ei hüvita", "ei ole võimalik", "pole võimalik",
        "võimatu", "kahjuks", "poliitika-", "tingimuste kohaselt", "meie reeglid", "rahunege",
    ),
    "sr": (
        "ne možemo", "ne mogu", "nećemo", "neću", "ne želimo", "ne radimo", "ne dajemo", "nije moguće", "nemoguće",
        "nismo u mogućnosti", "nažalost", "na žalost", "politika-", "pravilnik-", "nismo krivi", "smirite se",
    ),
}  # fmt: skip
# Turkish says "cannot" and "do not" with endings: yapamayız, edemiyoruz, vermiyoruz.
_TURKISH_ENDINGS = regex.compile(r"\b\p{L}{2,}(?:[ae]m[ae]y[ıi]z|[ae]m[ıi]yor\p{L}*|m[ıiuü]yoruz|m[ae]yece\p{L}+)\b")
_ALIKE = {"hr": "sr", "bs": "sr", "fil": "tl"}
_BARE = {"č": "[čc]", "ć": "[ćc]", "ž": "[žz]", "š": "[šs]", "đ": "(?:đ|dj)"}  # many write without the marks

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b")
_DIGITS = re.compile(r"(?<![\w+])\d(?:[ -]?\d){12,18}(?!\w)")
_PHONE = re.compile(r"(?<![\w/.-])(?:(?:\+|00)\d{1,3}[ ()./-]*)?(?:\(?\d{2,5}\)?[ ./-]?){2,5}(?![\w/])")


@dataclass(frozen=True, slots=True)
class Hint:
    """`kind` is anger, language or personal; `found` is the part of the text that it is about."""

    kind: str
    words: str
    found: str = ""


def hints(text: str, customer: str | None, identify: Callable[[str], str | None]) -> list[Hint]:
    """What to think over in `text`, a reply to somebody who writes the language `customer` (ISO 639-1)."""
    language = identify(text) if sum(map(str.isalpha, text)) >= _LEAST else None
    found = [
        Hint("anger", f"“{word}” tends to anger people who complain. Say what you can do.", word)
        for word in angering(text, language, customer)
    ]
    if language and customer and _same(language) != _same(customer) and customer != "und":
        ours, theirs = language_name(language) or language, language_name(customer) or customer
        found.append(Hint("language", f"This is in {ours}, the customer wrote in {theirs}."))
    return found + [Hint("personal", f"{what} would stand in public.", part) for what, part in personal(text)]


def angering(text: str, *languages: str | None) -> list[str]:
    """Words of `text` that anger people in one of `languages`, or in English; of every language where none is known."""
    known = {_same(each) for each in languages if each} & set(_ANGERS)
    wanted = known | {"en"} if known else set(_ANGERS)
    lowered = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("İ", "i").casefold()
    found: dict[str, int] = {}
    for language in sorted(wanted):
        for pattern in _patterns(language):
            for match in pattern.finditer(lowered):
                found.setdefault(match.group(), match.start())
    return sorted(found, key=found.__getitem__)


def personal(text: str) -> list[tuple[str, str]]:
    """Personal data in `text`: what it is, and the part. Card numbers and IBANs only with right check digits."""
    found, rest = [], text
    for what, pattern, sure in (
        ("An e-mail address", _EMAIL, lambda part: True),
        ("An IBAN", _IBAN, _iban),
        ("A card number", _DIGITS, _luhn),
        ("A phone number", _PHONE, _phone),
    ):
        for match in pattern.finditer(rest):
            if sure(match.group()):
                found.append((what, match.group().strip(" ./-")))
                rest = rest[: match.start()] + " " * len(match.group()) + rest[match.end() :]
    return found


def _patterns(language: str) -> list[regex.Pattern[str]]:
    if language not in _compiled:
        made = []
        for word in _ANGERS[language]:
            stem, ending = (word[:-1], r"[\p{L}\p{M}]*") if word.endswith("-") else (word, "")
            alternatives = [_spaced(stem)]
            if language == "sr":
                alternatives = ["".join(_BARE.get(c, c) for c in _spaced(stem)), _spaced(cyrillic(stem))]
            made.append(
                regex.compile(rf"(?<![\p{{L}}\p{{M}}])(?:{'|'.join(alternatives)}){ending}(?![\p{{L}}\p{{M}}'])")
            )
        if language == "tr":
            made.append(_TURKISH_ENDINGS)
        _compiled[language] = made
    return _compiled[language]


_compiled: dict[str, list[regex.Pattern[str]]] = {}


def _spaced(word: str) -> str:
    return r"\s+".join(map(regex.escape, word.split()))


def _same(language: str) -> str:
    return _ALIKE.get(language, language)


def _luhn(part: str) -> bool:
    digits = [int(c) for c in part if c.isdigit()][::-1]
    doubled = (d * 2 - 9 if d > 4 else d * 2 for d in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _iban(part: str) -> bool:
    plain = re.sub(r"[ -]", "", part)
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _phone(part: str) -> bool:
    """Enough digits for a telephone, and the look of one: a sign of it at its front, or groups. An order number or a
    date has neither."""
    plain = part.strip()
    digits = sum(map(str.isdigit, plain))
    if re.fullmatch(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}", plain):
        return False
    return 8 <= digits <= 15 and (plain.startswith(("+", "00", "(0", "0")) or len(re.findall(r"\d+", plain)) >= 3)
