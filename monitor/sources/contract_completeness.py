"""The part of the contract suite in which a service publishes for hours and everything goes wrong. Needs pytest.

Items come late, out of order and in the same second, while they are read, edited and deleted; the service fails in any
request; the process dies before any commit. In the end what is stored is what was published, no more and no less.
`CONTRACT_ITEMS` says how many items (200) and `CONTRACT_DEATHS` how many deaths (10) at least.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from monitor.errors import RetryLater
from monitor.sources.base import Cursor, Item, Source
from monitor.sources.stand_in import MOST_PAGES, NOW, TROUBLE, Answer, FakeService

PUBLISHED = int(os.environ.get("CONTRACT_ITEMS", "200"))
DEATHS = int(os.environ.get("CONTRACT_DEATHS", "10"))
AT_A_TIME = 60  # items published between two polls, at most
LATER_POLLS = 300  # until every edit and deletion has to be known here
STILL_SEEN = timedelta(minutes=2)  # how old an item may be when it changes, where the service never delivers late


class CompletenessContract:
    """Part of every SourceContract."""

    def test_what_is_stored_is_what_was_published_whatever_happened(self, service: FakeService) -> None:
        town = Town(service, random.Random(13))
        reader = Reader(service, town, random.Random(17))
        while len(town.words) < PUBLISHED or reader.deaths < DEATHS:
            town.live()
            reader.poll()
        reader.calm = True
        for _ in range(LATER_POLLS):  # some services tell of a change only who asks for the item, a few at each poll
            town.now += timedelta(minutes=1)
            reader.poll()
            if reader.differs() == ([], [], []):
                break
        assert reader.differs() == ([], [], [])

    def test_what_new_items_cost(self, service: FakeService, request: pytest.FixtureRequest) -> None:
        """All of 200 items are read that come 50 a minute. How many requests that took is noted for 1,000, as
        `requests`, where the stand-in is the fixture `httpserver`."""
        town = Town(service, random.Random(13))
        reader = Reader(service, town, random.Random(17), calm=True)
        reader.poll()
        served = request.getfixturevalue("httpserver").log if "httpserver" in request.fixturenames else []
        before = len(served)
        for _ in range(4):
            town.now += timedelta(minutes=1)
            for n in range(50):
                town.write(town.now - timedelta(seconds=n + 1))
            reader.poll()
        assert reader.differs() == ([], [], [])
        request.node.user_properties.append(("requests", (len(served) - before) * 5))


@dataclass
class Town:
    """The people who publish, and what stands on the service: `words` by the item's id."""

    service: FakeService
    chance: random.Random
    now: datetime = NOW
    words: dict[str, str] = field(default_factory=dict)
    dates: dict[str, datetime] = field(default_factory=dict)
    written: int = 0

    def live(self, span: timedelta | None = None) -> None:
        """Some time goes by, in which people write, or nobody does: at most so many that what comes late is not yet
        behind the last few hundred, more of which some services do not show."""
        before = self.now
        self.now += span or (self.service.lag or timedelta(minutes=20)) * self.chance.uniform(0.05, 0.15)
        last = self.now
        for _ in range(self.chance.choice((0, 1, 5, AT_A_TIME) if self.written < PUBLISHED else (0, 1))):
            if self.chance.random() < 0.7:
                last = before + self.chance.random() * (self.now - before)  # else in the same second as the one before
            self.write(last.replace(microsecond=0))
        if self.service.lag is not None:
            for _ in range(self.chance.choice((0, 0, 1, 3))):
                self.write((self.now - self.service.lag * self.chance.uniform(0, 0.8)).replace(microsecond=0))
        if self.chance.random() < 0.1:
            self.service.garble(self.now)
        for _ in range(self.chance.choice((0, 1, 2))):
            self._change()

    def write(self, at: datetime) -> None:
        self.written += 1
        words = f"acme number{self.written}end"
        external_id = self.service.post(words, at, f"author{self.written % 7}")
        self.words[external_id], self.dates[external_id] = words, at

    def _change(self) -> None:
        """Somebody edits or deletes what is still young enough for the source to look at it again."""
        recalled = self.service.recalled
        if recalled is not None and self.written + recalled * 0.8 < PUBLISHED:
            return  # it would be forgotten before the end of a long run
        able = self.service.source().capabilities
        oldest = self.now - (self.service.lag or STILL_SEEN) * 0.5
        young = [each for each in list(self.words)[-200:] if self.dates[each] > oldest]
        if not young:
            return
        external_id = self.chance.choice(young)
        if able.edits and self.chance.random() < 0.7:
            self.written += 1
            self.words[external_id] = f"acme number{self.written}end, edited"
            self.service.edit(external_id, self.words[external_id], self.now)
        elif able.deletions:
            self.service.remove(external_id)
            del self.words[external_id]


@dataclass
class Reader:
    """A process that reads, and another when it has died. `stored` and the cursor are what was committed."""

    service: FakeService
    town: Town
    chance: random.Random
    stored: dict[str, Item] = field(default_factory=dict)
    deaths: int = 0
    calm: bool = False  # nothing goes wrong any more
    _cursor: Cursor | None = None
    _source: Source | None = None

    def poll(self) -> None:
        self._source = self._source or self.service.source()
        most = MOST_PAGES + 2 * PUBLISHED  # for small pages, some of which are read twice
        for _ in range(most):
            trouble = None if self.calm or not self.service.network else self._trouble()
            self.service.answer(trouble) if self.service.network else None
            try:
                page = self._source.fetch(self._cursor, self.town.now)
            except RetryLater:
                assert trouble is not None
                continue
            if not self.calm and self.chance.random() < 0.25:
                self.deaths += 1
                self._source.close()
                self._source = self.service.source()
                continue
            self.stored.update((item.external_id, item) for item in page.items)
            self._cursor = json.loads(json.dumps(page.cursor))
            if not page.more:
                return
            if not self.calm and self.chance.random() < 0.1:
                self.town.live(timedelta(seconds=1))
        raise AssertionError(f"the source still says `more` after {most} pages")

    def differs(self) -> tuple[list[str], list[str], list[str]]:
        """What is lost, what was kept that is deleted there, and what has other words than there, by id."""
        here = {each: item.text for each, item in self.stored.items() if not item.removed}
        there = self.town.words
        stale = [each for each in there.keys() & here.keys() if there[each] not in here[each]]
        return sorted(there.keys() - here.keys()), sorted(here.keys() - there.keys()), sorted(stale)

    def _trouble(self) -> Answer | None:
        return self.chance.choice(TROUBLE) if self.chance.random() < 0.15 else None
