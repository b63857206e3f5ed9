"""Words from outside do nothing where many cases stand together either: lists, the Home tab, incidents, silences, and
what is said to one person or to a customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, FakeSlack
from hypothesis import given, settings
from hypothesis import strategies as st
from office import Office, verdict
from slack_reading import disguised, mrkdwn, pinged, strings, unseen
from slack_rules import wrong_message, wrong_view

from monitor.alerts import incident_blocks, lists, notes
from monitor.alerts.silences import Silence
from monitor.alerts.tally import Tally
from monitor.cases import Case
from monitor.classify.verdict import TOPICS
from monitor.incidents import Incident
from monitor.notice_texts import first_name
from monitor.reply_settings import TemplateSettings
from monitor.settings import Settings
from monitor.templates import filled
from tests.alerts.test_hostile_words import EVIL, HOSTILE, NOW, assert_harmless, cases

SEVERAL = st.lists(cases(), min_size=1, max_size=2, unique_by=lambda case: case.id)


@st.composite
def silences(draw: st.DrawFn) -> Silence:
    words = {name: draw(st.none() | HOSTILE) for name in ("actor", "ended_by", "reason")}
    until = NOW + timedelta(hours=1)
    return Silence(1, "pause", CHANNEL, NOW - timedelta(hours=2), until, None, digest="d", **words)


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    def counted(words: st.SearchStrategy[str]) -> Counter[str]:
        return Counter(draw(st.dictionaries(words, st.integers(1, 900), max_size=6)))

    counts = {name: draw(st.integers(0, 900)) for name in ("cases", "unanswered", "untaken", "overdue")}
    counts |= {name: draw(st.integers(0, 90)) for name in ("in_time", "late", "unreplied")}
    words = {"brand": draw(HOSTILE), "answer_by": draw(HOSTILE), "answer": draw(st.none() | HOSTILE)}
    over = {"state": "ended", "ended_at": NOW, "ended_by": draw(HOSTILE)}
    state = over if draw(st.booleans()) else {"state": "open", "ended_at": None, "ended_by": None}
    given: dict[str, Any] = counts | words | state
    return Incident(
        id=7,
        topics=tuple(draw(st.sets(st.sampled_from(TOPICS)))),
        began_at=NOW - timedelta(hours=1),
        opened_at=NOW - timedelta(minutes=50),
        usual=draw(st.floats(0, 50)),
        slack_channel=CHANNEL,
        slack_ts="1795000000.0001",
        oldest_due=draw(st.none() | st.just(NOW)),
        by_topic=counted(st.sampled_from(TOPICS)),
        by_source=counted(HOSTILE),
        by_language=counted(HOSTILE),
        by_severity=counted(st.sampled_from(["low", "medium", "high", "critical"])),
        elsewhere=counted(st.sampled_from(["C0TURKEY", "C0APPS"])),
        posted=(NOW,),
        **given,
    )


@settings(max_examples=25)
@given(SEVERAL, SEVERAL, incidents(), st.none() | silences())
def test_lists_and_the_home_tab_ping_nobody_and_slack_takes_them(
    mine: list[Case], team: list[Case], storm: Incident, pause: Silence | None
) -> None:
    text, shown = lists.listed(team, 40, "Open cases", "Nothing.", NOW)
    assert wrong_message(text, shown) is None
    assert_harmless(text, shown)
    team = [replace(case, id=case.id + 10**10) for case in team]
    home = lists.home(mine, team, 40, [storm], pause, NOW, NOW)
    assert wrong_view(home) is None
    assert_harmless("", home)


@settings(max_examples=25)
@given(SEVERAL, silences())
def test_what_is_said_of_silences_and_of_what_was_missed_pings_nobody(held: list[Case], silence: Silence) -> None:
    tally = Tally(9, 5, 4, 2, 300.0, 3, 1)
    for said in (
        lists.told_of(silence, NOW),
        lists.after_pause(silence, held, NOW),
        lists.after_quiet(held, NOW),
        lists.after_outage(silence, tally, held, None, NOW),
    ):
        assert wrong_message(said, ()) is None
        assert_harmless(said)


@settings(max_examples=25)
@given(incidents(), SEVERAL, st.sampled_from(["remind", "oncall", "breach", "renag", "silent_owner"]))
def test_incidents_ping_nobody_and_slack_takes_them(incident: Incident, some: list[Case], event: str) -> None:
    inside = [replace(case, incident_id=7, page=1) for case in some]
    root, entries = incident_blocks.root(incident, inside, NOW), incident_blocks.entries(inside, NOW, {})
    for text, shown in (root, entries):
        assert wrong_message(text, shown) is None
        assert_harmless(text, shown)
    for said in (
        incident_blocks.earlier(inside),
        incident_blocks.asks(incident, event, None, NOW),
        incident_blocks.summary(incident, NOW),
        incident_blocks.answer_set(incident),
    ):
        assert wrong_message(said, ()) is None
        assert_harmless(said)
    modal = incident_blocks.answer_modal(replace(incident, answer=None), {"channel": CHANNEL})
    assert wrong_view(modal) is None
    assert_harmless("", modal)


@settings(max_examples=25)
@given(cases(), HOSTILE)
def test_escalations_outside_slack_are_plain_and_show_nothing_unseen(case: Case, name: str) -> None:
    for words in (*notes.plain(replace(case, owner=name), "escalate", NOW), *notes.plain(case, "breach", NOW)):
        assert unseen([words]) == set()


@given(cases(), st.sampled_from(EVIL))
def test_a_customers_name_in_a_reply_or_a_notice_addresses_nobody_and_links_nowhere(case: Case, name: str) -> None:
    brands: Any = [{"name": "Acme", "match": "acme", "product": "Acme Pro"}]
    named = replace(case, author_name=name, author=name)
    template = TemplateSettings(name="t", text="Hello {name}, here is {agent}.")
    said = filled(template, named, "ann", Settings.model_validate({"brands": brands}))
    assert not set("<>@#") & set(said)
    assert "://" not in said
    assert unseen([said]) == set()
    assert len(said) < 100
    greeted = first_name(name)
    assert greeted is None or (len(greeted) <= 20 and not set("<>@#/.") & set(greeted))


def harmless(said: Sequence[dict[str, Any]]) -> None:
    for message in said:
        words = list(mrkdwn(message.get("text", ""), message.get("blocks", ())))
        assert pinged(words) == set()
        assert disguised(words) == []
        assert unseen([*words, *strings(message.get("blocks", ()))]) == set()


@pytest.mark.parametrize("evil", EVIL)
def test_commands_whispers_and_the_home_tab_show_hostile_words_as_words(
    office: Office, slack: FakeSlack, send: Callable[[dict[str, Any]], str], press: Callable[..., None], evil: str
) -> None:
    evil = evil.encode("utf-8", "ignore").decode()
    case = office.complain(evil or "x", author=evil[:200], author_name=evil[:200])
    office.deliver()
    for words in ("", "mine", "stats", f"{evil[:3000]}", f"pause 30m {evil[:3000]}", f"pause {evil[:3000]}"):
        send(slack.command(words, "ann"))
    office.act(case, "take", evil[:90] or "x")
    press("take", "ann")
    send(slack.open_home("ann"))
    office.complain("Worse.", verdict(severity="critical"), author=evil[:200], conversation="c")
    office.deliver()
    assert len(slack.answers) == 6
    harmless([*slack.answers, *slack.whispers, *slack.direct, *slack.posted("note"), *slack.posted("digest")])
    (home,) = slack.homes.values()
    harmless([{"blocks": home["blocks"]}])
    assert slack.refused == []
