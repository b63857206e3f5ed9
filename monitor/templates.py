"""Templates for replies: which fit a case, and what they say with its names filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.alerts.text import cut
from monitor.cases import Case
from monitor.reply_settings import TemplateSettings
from monitor.settings import Settings

_ALIKE = {"hr": "sr", "bs": "sr", "fil": "tl"}


def fitting(templates: Sequence[TemplateSettings], case: Case) -> list[TemplateSettings]:
    """Those whose conditions the case meets, the most particular first."""
    language = _ALIKE.get(case.language, case.language)

    def fits(template: TemplateSettings) -> bool:
        wanted = _ALIKE.get(template.language or "", template.language)
        return (
            wanted in (None, language) and template.topic in (None, case.topic) and template.brand in (None, case.brand)
        )

    def particular(template: TemplateSettings) -> int:
        return -sum(value is not None for value in (template.language, template.topic, template.brand))

    return sorted(filter(fits, templates), key=particular)


def filled(template: TemplateSettings, case: Case, agent: str, settings: Settings) -> str:
    """The text for this customer. Names come from outside: they address nobody else and link nowhere."""
    product = next((brand.product for brand in settings.brands if brand.name == case.brand), None)
    values = {
        "name": _name(case.author_name) or _name(case.author),
        "product": product or case.brand,
        "brand": case.brand,
        "agent": agent,
    }
    text = re.sub(r"{(\w+)}", lambda match: values.get(match[1], match[0]), template.text)
    return re.sub(r" +(?=[,.!?])", "", text).strip() if not values["name"] else text.strip()


def _name(name: str | None) -> str:
    shown = cut(re.sub(r"\S*://\S*|[@#<>]", "", name or ""), 40, escaped=False)
    return " ".join(shown.split())
