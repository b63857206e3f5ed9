"""Where a case is shown and who is told of it: the first of `[[slack.routes]]` that fits, else `[slack]` itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.cases import Case
from monitor.oncall import Rota
from monitor.settings import Settings
from monitor.team_settings import RouteSettings


@dataclass(frozen=True, slots=True)
class Route:
    """`oncall` is None where the rota says who is on call; `name` is what its team is called, where it has a name."""

    channel: str
    oncall: str | None
    lead: str | None
    name: str | None = None


class Routes:
    """A case's message stays where it was posted; who is on call for it, and who leads, follows what it is now."""

    def __init__(self, settings: Settings) -> None:
        slack = settings.slack
        self.rota = Rota(settings.oncall, settings.clock.timezone, slack.oncall)
        self._home = Route(slack.channel or "-", None, slack.lead)
        self._routes = [(r, Route(r.channel, r.oncall, r.lead or slack.lead, r.name)) for r in slack.routes]

    @property
    def channels(self) -> list[str]:
        """Every channel that a case may go to, each once."""
        return list(dict.fromkeys([self._home.channel, *(route.channel for _, route in self._routes)]))

    def of(self, case: Case) -> Route:
        return self.pick(case.brand, case.source, case.language, case.severity, case.topic)

    def pick(
        self,
        brand: str | None = None,
        source: str | None = None,
        language: str | None = None,
        severity: str | None = None,
        topic: str | None = None,
    ) -> Route:
        """The route of something of which this much is known; a condition on something unknown does not hold."""
        known = {"brand": brand, "source": source, "language": language, "severity": severity, "topic": topic}
        return next((route for rule, route in self._routes if _fits(rule, known)), self._home)

    def of_storm(self, brand: str, topics: Sequence[str], channel: str | None) -> Route:
        """The people of an incident that is shown in `channel`: those of its brand and topic if that is their channel,
        else whoever has the channel."""
        natural = self.pick(brand=brand, topic=topics[0] if topics else None)
        if channel in (None, natural.channel):
            return natural
        return next((route for _, route in self._routes if route.channel == channel), self._home)

    def place(self, case: Case) -> str:
        """The channel in which the case's message is, or will be."""
        return case.slack_channel or self.of(case).channel

    def oncall(self, case: Case, now: datetime) -> tuple[str, ...]:
        """Whom to mention: ids of users and user groups."""
        own = self.of(case).oncall
        return (own,) if own else self.rota.at(now)


def _fits(rule: RouteSettings, known: dict[str, str | None]) -> bool:
    return all(not (wanted := getattr(rule, name)) or value in wanted for name, value in known.items())
