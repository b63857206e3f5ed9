"""Replies that say little by themselves: "same here!!" means what it answers.

Only where somebody agrees in few words is a reply read together with what it answers, as one text; so a thank-you, a
question or an answer under a complaint is still judged by its own words.
"""

from __future__ import annotations

import re

from monitor.words import fold

MOST_WORDS = 12  # a longer reply speaks for itself
READ = 600  # characters of what is answered: the reply must not be cut off
_PHRASES = (
    *("same here", "same problem", "same issue", "same thing", "same with me", "same for me", "me too", "me as well"),
    *("mine too", "mine as well", "happened to me", "happens to me", "happening to me", "ditto", "so true", "i agree"),
    *("can confirm", "you're not alone", "you are not alone", "not just you", "not the only one", "exactly this"),
    *("mul sama", "minul sama", "mul ka", "minul ka", "mulgi", "sama lugu", "sama jama", "sama siin", "täpselt nii"),
    *("isto kod mene", "isto i meni", "i meni", "i kod mene", "ista stvar", "ista priča", "slažem se"),
    *("исто код мене", "исто и мени", "и мени", "и код мене", "слажем се"),
    *("bende de", "bana da", "bende de aynı", "aynı sorun", "aynısı", "aynen", "katılıyorum"),
    *("ako rin", "ako din", "sakin din", "sa akin din", "same po", "parehas tayo", "pareho tayo"),
    *("எனக்கும்", "எனக்கும் இதே", "அதே பிரச்சனை", "எனக்கும் அதே"),
    *("yo también", "a mí también", "lo mismo", "igual que yo", "a mi tambien", "mir auch", "bei mir auch", "geht mir"),
    *("moi aussi", "pareil", "même problème", "eu também", "comigo também", "mesma coisa", "у меня тоже", "и у меня"),
)
_AGREES = re.compile(
    "|".join(rf"(?<!\w){re.escape(fold(each))}(?!\w)" for each in sorted(_PHRASES, key=len, reverse=True))
)
_ALONE = re.compile(r"(?:this|same|\+1|👆|☝|💯|this this this|sama|aynı|isto|исто|pareho|igual|mismo)")
_NOISE = re.compile(r"https?://\S+|(?<!\w)[@#][\w.-]+")
_EDGES = re.compile(r"^[^\w+👆☝💯]+|[^\w+👆☝💯]+$")


def agrees(text: str) -> bool:
    """Whether a reply does little more than agree with what it answers."""
    if len(text) > 300:
        return False
    said = _EDGES.sub("", _NOISE.sub(" ", fold(text)))
    if len(said.split()) > MOST_WORDS:
        return False
    return _ALONE.fullmatch(said) is not None or _AGREES.search(said) is not None


def in_context(text: str, answers: str | None) -> str:
    """What is judged: `text`, and before it the beginning of what it `answers`, where it only agrees with that."""
    return f"{answers[:READ]}\n\n{text}" if answers else text
