"""The words of the customer's page, in the languages that are served; English for the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from monitor.serbian import cyrillic, in_cyrillic


@dataclass(frozen=True, slots=True)
class Words:
    """`tag` is the page's language after BCP 47; `scale` names the scores from 1 to 5."""

    tag: str
    question: str
    scale: tuple[str, str, str, str, str]
    thanks: str
    given: str
    change: str
    final: str
    choose: str
    gone: str
    later: str


ENGLISH = Words(
    "en",
    "How satisfied are you with our help?",
    ("Very dissatisfied", "Dissatisfied", "Neither one nor the other", "Satisfied", "Very satisfied"),
    "Thank you. We have your answer.",
    "Your answer",
    "You can change your answer within an hour.",
    "This answer can no longer be changed.",
    "Please choose one of the five answers.",
    "This link is not valid, or no longer.",
    "That did not work just now. Please try again in a few minutes.",
)
_WORDS = {
    "en": ENGLISH,
    "tr": Words(
        "tr",
        "Yardımımızdan ne kadar memnunsunuz?",
        ("Hiç memnun değilim", "Memnun değilim", "Ne memnunum ne değilim", "Memnunum", "Çok memnunum"),
        "Teşekkür ederiz. Yanıtınızı aldık.",
        "Yanıtınız",
        "Yanıtınızı bir saat içinde değiştirebilirsiniz.",
        "Bu yanıt artık değiştirilemez.",
        "Lütfen beş yanıttan birini seçin.",
        "Bu bağlantı geçerli değil ya da süresi dolmuş.",
        "Şu anda olmadı. Lütfen birkaç dakika sonra yeniden deneyin.",
    ),
    "ta": Words(
        "ta",
        "எங்கள் உதவியில் நீங்கள் எவ்வளவு திருப்தி அடைந்தீர்கள்?",
        ("மிகவும் அதிருப்தி", "அதிருப்தி", "இரண்டும் இல்லை", "திருப்தி", "மிகவும் திருப்தி"),
        "நன்றி. உங்கள் பதில் கிடைத்தது.",
        "உங்கள் பதில்",
        "ஒரு மணி நேரத்திற்குள் உங்கள் பதிலை மாற்றலாம்.",
        "இந்தப் பதிலை இனி மாற்ற முடியாது.",
        "ஐந்து பதில்களில் ஒன்றைத் தேர்ந்தெடுங்கள்.",
        "இந்த இணைப்பு செல்லாது, அல்லது காலாவதியாகிவிட்டது.",
        "இப்போது இயலவில்லை. சில நிமிடங்கள் கழித்து மீண்டும் முயலுங்கள்.",
    ),
    "tl": Words(
        "fil",
        "Gaano kayo nasiyahan sa aming tulong?",
        ("Lubos na hindi nasiyahan", "Hindi nasiyahan", "Katamtaman", "Nasiyahan", "Lubos na nasiyahan"),
        "Salamat. Natanggap namin ang inyong sagot.",
        "Ang inyong sagot",
        "Maaari ninyong baguhin ang sagot sa loob ng isang oras.",
        "Hindi na mababago ang sagot na ito.",
        "Pumili po ng isa sa limang sagot.",
        "Hindi wasto o lipas na ang link na ito.",
        "Hindi ito gumana ngayon. Pakisubukan muli pagkalipas ng ilang minuto.",
    ),
    "et": Words(
        "et",
        "Kui rahul te meie abiga olete?",
        ("Üldse mitte rahul", "Pigem ei ole rahul", "Nii ja naa", "Pigem rahul", "Väga rahul"),
        "Aitäh. Saime teie vastuse kätte.",
        "Teie vastus",
        "Vastust saab ühe tunni jooksul muuta.",
        "Seda vastust ei saa enam muuta.",
        "Palun valige üks viiest vastusest.",
        "See link ei kehti või ei kehti enam.",
        "See ei õnnestunud praegu. Palun proovige mõne minuti pärast uuesti.",
    ),
    "sr": Words(
        "sr-Latn",
        "Kako ocenjujete našu pomoć?",
        ("Veoma loše", "Loše", "Osrednje", "Dobro", "Odlično"),
        "Hvala. Primili smo vaš odgovor.",
        "Vaš odgovor",
        "Odgovor možete promeniti u roku od sat vremena.",
        "Ovaj odgovor se više ne može promeniti.",
        "Molimo izaberite jedan od pet odgovora.",
        "Ovaj link nije važeći ili više ne važi.",
        "Trenutno nije uspelo. Molimo pokušajte ponovo za nekoliko minuta.",
    ),
}
_SAME = {"fil": "tl", "hr": "sr", "bs": "sr"}


def words_for(language: str, said: str = "") -> Words:
    """Those of an ISO 639 code, in the script of what the customer `said`."""
    words = _WORDS.get(_SAME.get(language, language), ENGLISH)
    if words.tag != "sr-Latn" or not in_cyrillic(said):
        return words
    turned: dict[str, Any] = {name: cyrillic(text) for name, text in asdict(words).items() if isinstance(text, str)}
    return Words(**turned | {"tag": "sr-Cyrl", "scale": tuple(map(cyrillic, words.scale))})


def words_accepted(header: str) -> Words:
    """Those that a browser asks for (Accept-Language), the best first."""
    asked: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        found = re.fullmatch(r"\s*([A-Za-z]{2,3})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", part)
        if found:
            asked.append((float(found[2] or 1), found[1].lower()))
    known: Sequence[str] = [code for _, code in sorted(asked, key=lambda a: -a[0]) if _SAME.get(code, code) in _WORDS]
    return words_for(known[0]) if known else ENGLISH
