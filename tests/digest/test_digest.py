"""What a digest says of a small world that was counted by hand, to whom, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from conftest import NOON
from fake_slack import CHANNEL, OPS, FakeSlack, Fault
from imap_tools import MailMessage
from office import Office
from sqlalchemy import update
from stored import complain
from typer.testing import CliRunner

from monitor.alerts.mail import MailTransport
from monitor.app import App
from monitor.cli import app as command
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.digest import forms
from monitor.digest.figures import Digest, Request, digest
from monitor.digest.letter import letter
from monitor.digest.sending import Digests
from monitor.models import CaseRow
from monitor.settings import BadSettings, Settings, parse
from tests.sources.dovecot import free_port
from tests.spikes.history import DAY, HOUR, ordinary, say

HOSTILE = "Acme <script>alert(1)</script> & <!channel> \u202e*x*"
MINUTE = timedelta(minutes=1)


def spread(count: int, day: int = 0) -> list[Any]:
    """So many moments of the day that ends at noon, `day` days ago."""
    return [NOON - (day + 1) * DAY + n * (DAY / count) for n in range(count)]


def world(db: Database, brand: str = "Acme") -> None:
    """Yesterday 30 mentions, 12 of them complaints; a week before 20, and 5."""
    about = {"brands": [brand]}
    say(db, spread(12), topic="delivery", **about)
    say(db, spread(18), sentiment="positive", topic="other", complaint=False, **about)
    say(db, spread(5, 7), topic="billing", **about)
    say(db, spread(15, 7), sentiment="neutral", topic="other", complaint=False, **about)


def asked(settings: Settings, audience: str = "team", days: float = 1, **more: Any) -> Request:
    given = {"audience": audience, "brands": ("Acme",), "since": NOON - days * DAY, "until": NOON}
    return Request(**(given | {"zone": settings.clock.zone} | more))


def told(db: Database, settings: Settings, request: Request) -> tuple[Digest, str]:
    with db.read() as session:
        made = digest(session, settings, request, NOON)
    return made, forms.plain(letter(made))


def answered(db: Database, settings: Settings, minutes: float, satisfaction: int | None = None) -> int:
    """A case of yesterday that was answered after so long."""
    posted = NOON - 10 * HOUR
    case_id = complain(db, settings, posted)
    first = posted + minutes * MINUTE
    given: dict[str, Any] = {"state": "replied", "owner": "ann", "first_response_at": first, "clock": "stopped"}
    given |= {"calendar_seconds": minutes * 60, "business_seconds": minutes * 60, "met": minutes <= 60}
    given |= {"breached_at": None if minutes <= 60 else posted + HOUR, "satisfaction": satisfaction}
    with db.write() as session:
        session.execute(update(CaseRow).where(CaseRow.id == case_id).values(**given))
    return case_id


def test_every_figure_is_the_one_that_was_counted_by_hand(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings()
    world(any_db)
    for minutes, satisfaction in ((10, 5), (30, 4), (90, 2), (15, 3)):
        answered(any_db, settings, minutes, satisfaction)
    made, words = told(any_db, settings, asked(settings))
    assert (made.now.mentions, made.now.complaints, made.before.mentions, made.before.complaints) == (30, 12, 20, 5)
    assert "30 mentions (20 a week ago), 12 complaints (5)" in words
    assert "4 of 4 cases answered, half of them within 22 min" in words
    assert "Within 20 minutes 50%, within the hour 75%" in words
    assert "1 not answered by the time due" in words
    assert "Customers say 3.5 of 5 (4 answers)" in words
    assert [answer.satisfaction for answer in made.answers] == [5, 4]
    assert "Delivery 12 (0)" in words
    assert "Fri 20 Nov (UTC), compared with the same time a week earlier" in words


def test_each_audience_gets_what_it_asks_for(db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    world(db)
    answered(db, settings, 90)
    titles = {
        audience: set(re.findall(r"^([A-Z][A-Z :0-9]+)$", told(db, settings, asked(settings, audience))[1], re.M))
        for audience in ("team", "marketing", "lead")
    }
    assert {"RESPONSE", "NOW"} <= titles["team"]
    assert "SENTIMENT" in titles["marketing"]
    assert "RESPONSE" not in titles["marketing"]
    assert {"WHY CASES WERE LATE", "WHO ANSWERED"} <= titles["lead"]


def test_sentiment_says_why_it_moved_or_that_it_did_not(db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    say(db, spread(60), topic="delivery")
    say(db, spread(10, 7), topic="delivery")
    assert "Why: negative mentions about delivery 60 (10)" in told(db, settings, asked(settings, "marketing"))[1]
    say(db, spread(50, 7), topic="delivery")
    answered(db, settings, 90)  # so that there is something to tell
    assert "moved beyond chance" in told(db, settings, asked(settings, "marketing"))[1]


def test_a_quiet_day_is_one_line(db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    say(db, spread(20))
    say(db, spread(21, 7))
    made, words = told(db, settings, asked(settings))
    assert letter(made).sections == ()
    assert letter(made).subject == "Acme: a quiet day"
    assert "Quiet: 20 mentions (21 a week ago), 20 complaints (21); nothing unusual." in words
    assert len(words.splitlines()) == 5
    nothing = told(db, settings, asked(settings, since=NOON - 3 * DAY, until=NOON - 2 * DAY))[1]
    assert "Quiet: 0 mentions" in nothing


def test_overdue_cases_come_first_for_those_who_can_do_something(
    db: Database, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(clock={"timezone": "Europe/Tallinn"})
    world(db)
    complain(db, settings, NOON - 3 * HOUR)
    made, words = told(db, settings, asked(settings, "lead"))
    assert letter(made).subject == "Acme: 1 case overdue"
    assert "High · delivery on news, due Fri 20 Nov, 12:00, nobody has it" in words


def test_peaks_ahead_are_what_the_past_weeks_had(db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    ordinary(db, NOON, weeks=5, rate=lambda at: 20.0 if at.hour in (15, 16, 17) else 2.0)
    say(db, spread(80), topic="billing")
    made, words = told(db, settings, asked(settings))
    assert [each.start for each in made.ahead] == [NOON + 3 * HOUR]
    assert 50 < made.ahead[0].mean < 80
    assert "Fri 20 Nov, 15:00–18:00: about" in words


def test_a_week_is_compared_with_the_one_before_and_with_competitors(
    db: Database, make_settings: Callable[..., Settings]
) -> None:
    brands = [{"name": "Acme", "match": "acme"}, {"name": "Beta", "match": "beta", "competitor": True}]
    settings = make_settings(brands=brands)
    world(db)
    answered(db, settings, 90)  # so that there is something to tell
    say(db, spread(10), brands=["Beta"])
    _, words = told(db, settings, asked(settings, "marketing", 7))
    assert "30 mentions (20 the week before)" in words
    assert "Acme 75% of what is said" in words
    assert "Beta 25% of what is said" in words


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)
        self.found |= {name for name, _ in attrs if name.startswith("on")}


def test_whatever_a_brand_a_person_or_a_source_is_called_stays_letters(
    db: Database, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(brands=[{"name": HOSTILE, "match": "acme"}])
    world(db, HOSTILE)
    case_id = complain(db, settings, NOON - 3 * HOUR, brands=[HOSTILE], source="<b>news")
    with db.write() as session:
        session.execute(update(CaseRow).where(CaseRow.id == case_id).values(owner="<img src=x onerror=1>"))
    with db.read() as session:
        made = letter(digest(session, settings, asked(settings, "lead", brands=(HOSTILE,)), NOON))
    page, shown = Tags(), str(forms.blocks(made)) + forms.headline(made)
    page.feed(forms.html(made, [("a", HOSTILE)]))
    assert page.found <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "div",
        "h1",
        "h2",
        "p",
        "ul",
        "li",
        "strong",
        "img",
        "a",
    }
    assert "<!channel>" not in shown
    assert "<script>" not in shown
    assert "\u202e" not in shown + forms.plain(made) + forms.html(made)


class Mailbox:
    """A server that takes mail; `breaks`: it hangs up once after it took one."""

    def __init__(self) -> None:
        self.got: list[MailMessage] = []
        self.code, self.breaks = "", False
        self.port = free_port()
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.code or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(MailMessage.from_bytes(bytes(envelope.content or b"")))
        if self.breaks and server.transport is not None:
            self.breaks = False
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    made._server.start()
    yield made
    made._server.stop()


@pytest.fixture
def office(
    db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings], mailbox: Mailbox
) -> Office:
    digests = [
        {"audience": "team", "when": "daily 12:00", "channel": OPS},
        {"audience": "lead", "when": "mon-fri 12:00", "email": ["lead@acme.example", "boss@acme.example"]},
        {"audience": "marketing", "when": "fri 15:00", "channel": CHANNEL},
    ]
    mail = {"host": "127.0.0.1", "port": mailbox.port, "security": "none", "address": "firsthour <fh@acme.example>"}
    office = Office(db, clock, slack, make_settings, {"digests": digests, "mail": mail})
    office.transports["mail"] = MailTransport(office.settings.mail, clock)
    office.stage = office.new_stage()
    world(db)
    say(db, spread(13))
    return office


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[FakeSlack]:
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as server:
        yield server


def test_what_is_due_goes_out_once_whatever_the_number_of_processes(
    office: Office, slack: FakeSlack, mailbox: Mailbox
) -> None:
    one, other = (Digests(office.db, office.settings, "slack") for _ in range(2))
    assert [one.tick(office.clock.now()), other.tick(office.clock.now())] == [3, 0]
    office.deliver()
    office.later(minutes=5)
    assert one.tick(office.clock.now()) == 0
    office.deliver()
    assert [m["text"] for m in slack.posted("digest", OPS)] == ["Acme: 5 times as many complaints, most of it delivery"]
    assert sorted(mail.to[0] for mail in mailbox.got) == ["boss@acme.example", "lead@acme.example"]
    assert slack.refused == []


def test_a_slot_that_was_missed_for_long_is_left_out(office: Office) -> None:
    digests = Digests(office.db, office.settings, "slack")
    assert digests.tick(NOON + 5 * HOUR) == 1  # that of 15:00
    assert digests.tick(NOON + 12 * HOUR) == 0


def test_mail_has_a_subject_plain_words_html_and_the_picture(office: Office, mailbox: Mailbox) -> None:
    Digests(office.db, office.settings, "slack").tick(NOON)
    office.deliver()
    mail = mailbox.got[0]
    assert mail.subject == "Acme: 5 times as many complaints, most of it delivery"
    assert mail.headers["auto-submitted"] == ("auto-generated",)
    assert "43 mentions (20 a week ago)" in mail.text
    assert "<h1" in mail.html
    (picture,) = mail.attachments
    assert picture.payload.startswith(b"\x89PNG")
    assert f"cid:{picture.content_id}" in mail.html


def test_mail_whose_answer_was_lost_is_the_same_mail_again(office: Office, mailbox: Mailbox) -> None:
    mailbox.breaks = True
    Digests(office.db, office.settings, "slack").tick(NOON)
    for _ in range(4):
        office.deliver()
        office.later(seconds=70)
    assert {"sent"} == {row.state for row in office.rows(transport="mail")}
    assert len({mail.headers["message-id"] for mail in mailbox.got}) == 2
    assert len(mailbox.got) == 3


def test_an_address_that_nobody_has_is_given_up_and_the_others_go_on(
    office: Office, slack: FakeSlack, mailbox: Mailbox
) -> None:
    mailbox.code = "550 5.1.1 no such user"
    Digests(office.db, office.settings, "slack").tick(NOON)
    office.deliver()
    assert [row.state for row in office.rows(transport="mail")] == ["failed", "failed"]
    assert len(slack.posted("digest", OPS)) == 1


def test_it_leads_to_the_trends_where_the_desk_has_an_address(
    db: Database, make_settings: Callable[..., Settings], clock: ManualClock, slack: FakeSlack
) -> None:
    digests = [{"audience": "team", "when": "daily 12:00", "channel": OPS}]
    office = Office(db, clock, slack, make_settings, {"digests": digests, "web": {"url": "https://desk.acme.example"}})
    Digests(db, office.settings, "slack").tick(NOON)
    office.deliver()
    place = "https://desk.acme.example/trends?from=2026-11-19&amp;to=2026-11-20&amp;brand=Acme"
    assert f"<{place}|See the trends>" in str(slack.posted("digest", OPS)[0]["blocks"])


def test_the_picture_is_uploaded_and_shown_in_the_message(office: Office, slack: FakeSlack) -> None:
    Digests(office.db, office.settings, "slack").tick(NOON)
    office.deliver()
    (message,) = slack.posted("digest", OPS)
    image = message["blocks"][-1]
    assert image["type"] == "image"
    assert slack.files[image["slack_file"]["id"]].startswith(b"\x89PNG")
    assert image["alt_text"].startswith("Mentions by mood of Acme")


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
def test_without_the_right_to_upload_it_comes_without_a_picture(office: Office, slack: FakeSlack, method: str) -> None:
    slack.fault = lambda called, args: Fault("refused", error="missing_scope") if called == method else None
    Digests(office.db, office.settings, "slack").tick(NOON)
    office.deliver()
    (message,) = slack.posted("digest", OPS)
    assert [block["type"] for block in message["blocks"]].count("image") == 0
    assert "43 mentions" in str(message["blocks"])


def test_a_picture_that_slack_does_not_take_is_left_out_and_the_words_stay(office: Office, slack: FakeSlack) -> None:
    def forgets(method: str, args: dict[str, Any]) -> Fault | None:
        slack.shared.clear()
        return None

    slack.fault = forgets
    Digests(office.db, office.settings, "slack").tick(NOON)
    office.deliver()
    (message,) = slack.posted("digest", OPS)
    assert "43 mentions" in str(message["blocks"])


def test_the_command_shows_it_and_sends_nothing_unless_told_to(
    office: Office, make_settings: Callable[..., Settings], tmp_path: Any
) -> None:
    config = tmp_path / "firsthour.toml"
    config.write_text(
        f'[database]\nurl = "{office.db.url}"\n[[brands]]\nname = "Acme"\nmatch = "acme"\n'
        '[[digests]]\naudience = "team"\nwhen = "daily 12:00"\nchannel = "C0OPS"\n'
    )
    run = CliRunner().invoke
    shown = run(command, ["digest", "--since", "2026-11-19T12:00Z", "--until", "2026-11-20T12:00Z", "-c", str(config)])
    assert "Subject: Acme: 5 times as many complaints, most of it delivery" in shown.output
    assert office.rows() == []
    sent = run(command, ["digest", "--until", "2026-11-20T12:00Z", "--send", "-c", str(config)])
    assert sent.output == "1 put into the outbox\n"
    assert [row.kind for row in office.rows()] == ["digest"]
    wrong = run(command, ["digest", "--audience", "boss", "-c", str(config)])
    assert (wrong.exit_code, "one of team, marketing, lead" in wrong.output) == (2, True)
    assert run(command, ["digest", "--since", "tomorrow", "-c", str(config)]).exit_code == 2
    assert run(command, ["digest", "--audience", "lead", "--send", "-c", str(config)]).exit_code == 1


@pytest.mark.parametrize(
    ("digests", "mail", "wrong"),
    [
        ({"audience": "boss", "when": "fri 16:00", "channel": "C0X"}, {}, "team"),
        ({"audience": "team", "when": "friday", "channel": "C0X"}, {}, "fri 16:00"),
        ({"audience": "team", "when": "fri 16:00"}, {}, "channel, email or apprise"),
        ({"audience": "team", "when": "fri 16:00", "channel": "#team"}, {}, "copy it from Slack"),
        ({"audience": "team", "when": "fri 16:00", "email": ["a@b.example"]}, {}, "no server that takes mail"),
        ({"audience": "team", "when": "fri 16:00", "email": ["nobody"]}, {}, "is no address"),
        ({"audience": "team", "when": "fri 16:00", "channel": "C0X", "brands": ["Acmee"]}, {}, 'did you mean "Acme"'),
        ({"audience": "team", "when": "fri 16:00", "channel": "C0X"}, {"host": "mx.example"}, "an address from which"),
        (
            {"audience": "team", "when": "fri 16:00", "channel": "C0X"},
            {"host": "mx.example", "address": "a@b.example", "security": "none"},
            "for this machine only",
        ),
    ],
)
def test_mistakes_are_named_with_the_mend(digests: dict[str, Any], mail: dict[str, Any], wrong: str) -> None:
    raw = {"brands": [{"name": "Acme", "match": "acme"}], "digests": [digests], "mail": mail}
    with pytest.raises(BadSettings, match=re.escape(wrong)):
        parse(raw, {})


def test_the_app_sends_mail_and_to_apprise_only_what_is_configured(make_settings: Callable[..., Settings]) -> None:
    url = "json://user:secret@127.0.0.1:1/x"
    digests = [{"audience": "team", "when": "fri 16:00", "email": ["a@b.example"], "apprise": [url]}]
    mail = {"host": "127.0.0.1", "address": "a@b.example", "security": "none"}
    app = App(make_settings(digests=digests, mail=mail))
    assert set(app.transports) == {"console", "mail", "apprise"}
    assert set(App(make_settings()).transports) == {"console"}
    app.close()


def test_longer_spans_are_compared_with_the_span_before(db: Database, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()
    say(db, [NOON - 40 * DAY, NOON - 10 * DAY])
    made, _ = told(db, settings, replace(asked(settings), since=NOON - 30 * DAY))
    assert (made.now.mentions, made.before.mentions) == (1, 1)
