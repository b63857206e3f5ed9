"""What a customer is told without a person writing it, in the languages that are served.

Short enough for the shortest source (280 by X's counting, where a Tamil letter counts twice). Plain, and promising
nothing but what the clock says. `{time}` reads "15:00 EET", with the day before it where that is another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.serbian import cyrillic, in_cyrillic

PLACEHOLDERS = ("name", "brand", "minutes", "time", "agent", "link")
_SAME = {"fil": "tl", "hr": "sr", "bs": "sr"}

# By situation: a notice's `variant` says which it is.
TEXTS: Mapping[str, Mapping[str, str]] = {
    "soon": {
        "en": "Hello, we have seen your message. A person from our team answers you here within {minutes} minutes.",
        "tr": "Merhaba, mesajınızı gördük. Ekibimizden bir kişi {minutes} dakika içinde burada size yanıt verecek.",
        "ta": "வணக்கம், உங்கள் செய்தியைப் பார்த்தோம். எங்கள் குழுவினர் {minutes} நிமிடங்களுக்குள் இங்கே பதிலளிப்பார்.",
        "tl": "Kumusta, nabasa namin ang inyong mensahe. Sasagutin kayo rito ng isang kasapi ng aming team sa loob ng "
        "{minutes} minuto.",
        "et": "Tere! Nägime teie sõnumit. Inimene meie meeskonnast vastab teile siin {minutes} minuti jooksul.",
        "sr": "Zdravo, videli smo vašu poruku. Osoba iz našeg tima odgovoriće vam ovde u roku od {minutes} minuta.",
    },
    "later": {
        "en": "Hello, we have seen your message. A person from our team answers you here by {time}.",
        "tr": "Merhaba, mesajınızı gördük. Ekibimizden bir kişi size burada yanıt verecek, en geç: {time}.",
        "ta": "வணக்கம், உங்கள் செய்தியைப் பார்த்தோம். எங்கள் குழுவினர் {time}-க்குள் இங்கே பதிலளிப்பார்.",
        "tl": "Kumusta, nabasa namin ang inyong mensahe. Sasagutin kayo rito ng isang kasapi ng aming team nang hindi "
        "lalampas sa {time}.",
        "et": "Tere! Nägime teie sõnumit. Inimene meie meeskonnast vastab teile siin hiljemalt {time}.",
        "sr": "Zdravo, videli smo vašu poruku. Osoba iz našeg tima odgovoriće vam ovde najkasnije do {time}.",
    },
    "taken": {
        "en": "A person is on it now. You hear from us here by {time}.",
        "tr": "Şu anda bir kişi konuyla ilgileniyor. Size burada yanıt vereceğiz, en geç: {time}.",
        "ta": "இப்போது ஒருவர் இதைக் கவனிக்கிறார். {time}-க்குள் இங்கே பதிலளிப்போம்.",
        "tl": "May taong humahawak na nito ngayon. Sasagot kami rito nang hindi lalampas sa {time}.",
        "et": "Inimene tegeleb sellega nüüd. Vastame teile siin hiljemalt {time}.",
        "sr": "Sada se jedna osoba bavi ovim. Javićemo vam se ovde najkasnije do {time}.",
    },
    "taken_late": {
        "en": "A person is on it now and answers you here as soon as possible.",
        "tr": "Şu anda bir kişi konuyla ilgileniyor ve size burada en kısa sürede yanıt verecek.",
        "ta": "இப்போது ஒருவர் இதைக் கவனிக்கிறார். கூடிய விரைவில் இங்கே பதிலளிப்போம்.",
        "tl": "May taong humahawak na nito ngayon. Sasagot kami rito sa lalong madaling panahon.",
        "et": "Inimene tegeleb sellega nüüd ja vastab teile siin esimesel võimalusel.",
        "sr": "Sada se jedna osoba bavi ovim i javićemo vam se ovde što pre.",
    },
    "moved": {
        "en": "We need a little longer. You hear from us here by {time}.",
        "tr": "Biraz daha zamana ihtiyacımız var. Size burada yanıt vereceğiz, en geç: {time}.",
        "ta": "எங்களுக்கு இன்னும் சிறிது நேரம் தேவை. {time}-க்குள் இங்கே பதிலளிப்போம்.",
        "tl": "Kailangan namin ng kaunti pang oras. Sasagot kami rito nang hindi lalampas sa {time}.",
        "et": "Vajame veidi rohkem aega. Vastame teile siin hiljemalt {time}.",
        "sr": "Treba nam još malo vremena. Javićemo vam se ovde najkasnije do {time}.",
    },
    "solved": {
        "en": "We hope that this is solved. If it is not, simply answer here.",
        "tr": "Umarız sorununuz çözülmüştür. Çözülmediyse buraya yazmanız yeterli.",
        "ta": "பிரச்சினை தீர்ந்திருக்கும் என நம்புகிறோம். இல்லையெனில் இங்கே எழுதுங்கள்.",
        "tl": "Sana ay nalutas na ito. Kung hindi pa, sumagot lamang po rito.",
        "et": "Loodame, et asi on lahendatud. Kui ei ole, kirjutage meile siin.",
        "sr": "Nadamo se da je ovo rešeno. Ako nije, samo nam odgovorite ovde.",
    },
    "survey": {
        "en": "We hope that this is solved. If it is not, simply answer here. "
        "How satisfied are you with our help? {link}",
        "tr": "Umarız sorununuz çözülmüştür. Çözülmediyse buraya yazmanız yeterli. Yardımımızdan ne kadar memnunsunuz? "
        "{link}",
        "ta": "பிரச்சினை தீர்ந்திருக்கும் என நம்புகிறோம். இல்லையெனில் இங்கே எழுதுங்கள். எங்கள் உதவி எப்படி? {link}",
        "tl": "Sana ay nalutas na ito. Kung hindi pa, sumagot lamang po rito. "
        "Gaano kayo nasiyahan sa aming tulong? {link}",
        "et": "Loodame, et asi on lahendatud. Kui ei ole, kirjutage meile siin. Kui rahul te meie abiga olete? {link}",
        "sr": "Nadamo se da je ovo rešeno. Ako nije, samo nam odgovorite ovde. Kako ocenjujete našu pomoć? {link}",
    },
}
_FIELD = re.compile(r"{([^{}]*)}")


def unknown_placeholder(text: str) -> str | None:
    """The first placeholder of `text` that there is not."""
    return next((name for name in _FIELD.findall(text) if name not in PLACEHOLDERS), None)


def text_for(variant: str, language: str, own: Mapping[str, str], said: str = "") -> str | None:
    """The text of a situation in a language, `own` ones first, in the script of what the customer `said`; None where
    there is none: nothing is better than words that the customer does not read."""
    language = _SAME.get(language, language)
    ours = TEXTS[variant].get(language)
    if ours is not None and language == "sr" and in_cyrillic(said):
        ours = cyrillic(ours)
    return own.get(language) or ours


def fill(text: str, values: Mapping[str, str | None]) -> str | None:
    """`text` with its placeholders filled in; None where one of them has no value, except a name, which is left out."""
    names = [name for name in _FIELD.findall(text) if name != "name"]
    if any(not values.get(name) for name in names):
        return None
    if not values.get("name"):
        text = re.sub(r",?\s*{name}", "", text)
    return _FIELD.sub(lambda found: values.get(found[1]) or "", text).strip()


def first_name(name: str | None) -> str | None:
    """The first word of a name if it is made of letters: what people call themselves may be anything, and our own
    account is about to say it in public."""
    first = (name or "").split()[:1]
    if not first or len(first[0]) > 20:
        return None
    plain = re.sub(r"[\u0b80-\u0bff]", "a", first[0])  # Tamil's vowel signs are no letters to Python
    return first[0] if re.fullmatch(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", plain) else None


def spoken_time(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`at` as people of `zone` say it, rounded down to the minute: nobody is promised less than what holds."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    name = local.tzname() or ""
    if name[:1] in "+-":
        hours, _, minutes = f"{local:%z}"[1:3], "", f"{local:%z}"[3:5]
        name = f"UTC{name[0]}{int(hours)}" + (f":{minutes}" if minutes != "00" else "")
    day = "" if local.date() == today.date() else f"{local.day}.{local.month}. "
    return f"{day}{local:%H:%M} {name}"
