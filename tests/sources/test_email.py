"""Mail, against Debian's Dovecot and a server that takes mail on loopback."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, ConfigurationError, Refused, RetryLater, Uncertain
from monitor.sources import email_idle, email_imap
from monitor.sources.base import Author, Item, Reply
from monitor.sources.contract import NOW, Answer, FakeService, SourceContract, poll
from monitor.sources.contract_streams import hear
from monitor.sources.email import PAGE, Email
from monitor.sources.stand_in import ago
from tests.sources.dovecot import PASSWORD, Dovecot, serve
from tests.sources.post_office import ADDRESS, PostOffice

pytestmark = pytest.mark.xdist_group("dovecot")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    yield from serve()


@pytest.fixture
def office(dovecot: Dovecot) -> Iterator[PostOffice]:
    office = PostOffice(dovecot)
    yield office
    office.close()


class TestEmail(SourceContract):
    @pytest.fixture
    def service(self, office: PostOffice) -> FakeService:
        return office

    def test_a_connection_without_any_sign_of_life_is_given_up(
        self, office: PostOffice, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # type: ignore[override]
        source = office.source()
        with monkeypatch.context() as patch:
            patch.setattr(email_idle, "ASKED_AFTER", 1.0)
            patch.setattr(email_imap, "TIMEOUT", 1.0)
            stream = source.listen()  # type: ignore[attr-defined]
            stream.hear(0.01)
            office.hush()
            with pytest.raises(RetryLater):
                hear(stream, lambda items: False)
            stream.close()

    def test_a_service_that_is_busy_is_asked_again_when_it_says_so(self) -> None:  # type: ignore[override]
        """Mail servers name no time."""

    def test_a_429_is_obeyed_to_the_second(self) -> None:  # type: ignore[override]
        """Mail servers name no time."""

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_a_reply_in_trouble_is_not_given_up_and_not_repeated(self, office: PostOffice, status: int) -> None:  # type: ignore[override]
        source = office.source()
        mention = office.post("acme", ago(9))
        reply = Reply(mention, "We are on it", "key", NOW)
        if status == 429:
            office.code = "451 4.7.1 greylisted, try again later"
        else:
            office.breaks = "data"
        with pytest.raises(RetryLater) as caught:
            source.reply(reply, NOW)  # type: ignore[attr-defined]
        assert isinstance(caught.value, Uncertain) == (status != 429)
        office.code = ""
        assert source.find_reply(reply) is None  # type: ignore[attr-defined]
        source.reply(reply, NOW)  # type: ignore[attr-defined]
        assert office.replies(mention) == ["We are on it"]


def read(office: PostOffice, **more: Any) -> dict[str, Item]:
    return poll(office.source(**more))[0]


# folders and places


def test_only_what_is_new_is_asked_for_and_nothing_is_marked_as_read(office: PostOffice) -> None:
    office.post("acme one", ago(3))
    source = office.source()
    _, cursor = poll(source)
    office.post("acme two", ago(1))
    assert [item.text for item in poll(source, cursor)[0].values()] == ["A word\n\nacme two"]
    office.box.select("INBOX", readonly=True)
    assert office.box.search(None, "SEEN")[1] == [b""]


def test_a_folder_that_was_numbered_anew_is_read_again_under_the_same_ids(office: PostOffice) -> None:
    posted = {office.post(f"acme {number}", ago(number)) for number in range(PAGE + 2)}
    source = office.source(folders=["Shop", "INBOX"])
    first, cursor = poll(source)
    assert first.keys() == posted
    office.box.select("INBOX")
    office.box.copy("1:*", "Shop")
    office.box.delete("Shop")
    office.box.create("Shop")
    office.box.copy("1:*", "Shop")
    again, cursor = poll(source, cursor)
    assert again.keys() == posted
    assert poll(source, cursor)[0] == {}


def test_the_first_poll_reads_back_as_far_as_configured_and_then_everything(office: PostOffice) -> None:
    office.box.append("INBOX", "", imaplib.Time2Internaldate(ago(60 * 24 * 40)), bytes(office.mail("acme old", NOW)))
    recent = office.post("acme recent", ago(5))
    items, cursor = poll(office.source())
    assert items.keys() == {recent}
    office.box.append("INBOX", "", imaplib.Time2Internaldate(ago(60 * 24 * 40)), bytes(office.mail("acme moved", NOW)))
    assert [item.text for item in poll(office.source(), cursor)[0].values()] == ["A word\n\nacme moved"]


def test_several_folders_are_read_and_one_that_is_not_there_is_named(office: PostOffice) -> None:
    office.post("acme one", ago(3))
    office.put(office.mail("acme two", ago(2)), "Shop")
    assert len(read(office, folders=["INBOX", "Shop"])) == 2
    with pytest.raises(ConfigurationError, match=r'folders: there is no folder "Shpo" \(known: .*Shop'):
        read(office, folders=["INBOX", "Shpo"])


def test_a_connection_that_breaks_between_two_pages_is_made_anew(office: PostOffice) -> None:
    posted = {office.post(f"acme {number}", ago(1)) for number in range(PAGE * 2)}
    source = office.source()
    page = source.fetch(None, NOW)
    assert page.more
    office.gate.break_off()
    rest, _ = poll(source, page.cursor)
    assert {item.external_id for item in page.items} | rest.keys() == posted


# who wrote it, and whether anybody did


def test_a_mail_is_its_subject_its_words_its_author_and_its_thread(office: PostOffice) -> None:
    first = office.mail("acme lost my parcel", ago(9))
    office.put(first)
    id = str(first["Message-ID"])
    office.put(
        office.mail(
            "still nothing, acme", ago(5), Subject="Re: A word", In_Reply_To="<r1@acme>", References=f"{id} <r1@acme>"
        )
    )
    one, two = read(office).values()
    assert (one.text, one.author) == ("A word\n\nacme lost my parcel", Author("ann@customers.example", "ann"))
    assert (one.conversation, one.parent, one.url) == (id.strip("<>"), None, None)
    assert (two.text, two.conversation, two.parent) == ("still nothing, acme", id.strip("<>"), "r1@acme")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (vacation)"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.acme.example>"},
        {"List_Unsubscribe": "<https://acme.example/u>"},
        {"Return_Path": "<>"},
        {"From": "Mail Delivery System <MAILER-DAEMON@mx.acme.example>"},
        {"X_Autoreply": "yes"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_what_programs_send_is_left_out_unless_asked_for(office: PostOffice, headers: dict[str, str]) -> None:
    office.put(office.mail("acme: I am out of office", ago(3), **headers))
    person = office.mail("acme is slow", ago(2), Auto_Submitted="no")
    office.put(person)
    assert read(office).keys() == {str(person["Message-ID"]).strip("<>")}
    assert len(read(office, automatic=True)) == 2


def test_reports_about_mail_are_left_out(office: PostOffice) -> None:
    dmarc = office.mail("acme", ago(3), Subject="Report Domain: acme.example Submitter: google.com")
    name = "google.com!acme.example!1795046400!1795132799.xml.gz"
    dmarc.add_attachment(b"\x1f\x8b", maintype="application", subtype="gzip", filename=name)
    bounce = office.mail("acme: could not be delivered", ago(2))
    bounce.make_mixed()
    bounce.set_type("multipart/report")
    for mail in (dmarc, bounce):
        office.put(mail)
    assert read(office) == {}


# what cannot be read well


def test_attachments_are_named_and_their_contents_left_out(office: PostOffice) -> None:
    mail = office.mail("acme sent me this", ago(3))
    mail.add_attachment(b"\x89PNG" * 1000, maintype="image", subtype="png", filename="Päevik.png")
    office.put(mail)
    (item,) = read(office).values()
    assert item.text == "A word\n\nacme sent me this\n[Päevik.png]"


def test_of_a_mail_that_is_too_large_the_subject_is_read(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_imap, "LARGEST_MAIL", 10_000)
    office.put(office.mail("a" * 20_000, ago(3), Subject="acme: see the film"))
    assert [item.text for item in read(office).values()] == ["acme: see the film"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"From: ann@x.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\nacme \xe4", "acme"),
        (b"From: ann@x.example\r\nContent-Type: text/plain; charset=iso-8859-13\r\n\r\nacme \xf0", "acme š"),
        (b"From: ann@x.example\r\nContent-Transfer-Encoding: base64\r\n\r\nYWNtZSBpcyBsYXRl!!!", "acme is late"),
        (b"From: ann@x.example\r\nSubject: =?utf-8?q?acme_=F0?=\r\n\r\nhello", "acme\n\nhello"),
        (b"From: ann@x.example\r\nSubject: =?x-unknown?b?AAAA?=\r\n\r\nacme", "acme"),
        (b"From: =?utf-8?b?broken\r\nSubject: acme\r\n\r\n", "acme"),
        (b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=x\r\nSubject: acme\r\n\r\nno parts", "acme"),
    ],
)
def test_charsets_and_encodings_that_lie_do_not_hide_the_words(office: PostOffice, raw: bytes, text: str) -> None:
    office.put(raw)
    (item,) = read(office).values()
    assert text in item.text


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 32 Foo 2026 99:00:00", "Thu, 1 Jan 1970 00:00:00 +0000"])
def test_a_mail_with_a_useless_date_has_that_of_the_server_that_took_it(office: PostOffice, date: str) -> None:
    office.put(
        f"From: a@x.example\r\nDate: {date}\r\nReceived: by mx; Fri, 20 Nov 2026 13:00:00 +0200\r\n\r\nacme".encode()
    )
    assert next(iter(read(office).values())).posted_at == ago(60)


def test_mails_without_an_id_are_known_by_what_they_hold(office: PostOffice) -> None:
    for text in (b"acme one", b"acme two", b"acme one"):
        office.put(b"From: ann@x.example\r\n\r\n" + text)
    assert len(read(office)) == 2


# signing in


def test_a_wrong_password_stops_the_source_and_says_what_many_providers_want(office: PostOffice) -> None:
    with pytest.raises(AuthError, match=r"password: .* app password or OAuth"):
        office.source(password="wrong").check()


def test_tls_is_spoken_and_a_certificate_that_nobody_vouches_for_is_refused(
    office: PostOffice, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for security, port in (("tls", dovecot.tls_port), ("starttls", dovecot.port)):
        given: dict[str, Any] = {"security": security, "port": port, "smtp_host": None}
        with pytest.raises(RetryLater, match="certificate verify failed"):
            office.source(**given).check()
        with monkeypatch.context() as patch:
            trusting = ssl.create_default_context(cafile=str(dovecot.certificate))
            patch.setattr(email_imap, "certificates", lambda context=trusting: context)
            assert office.source(**given).check() == "reached; INBOX: 0 mails"


def test_oauth_changes_the_refresh_token_for_an_access_token_and_signs_in_with_it(httpserver: HTTPServer) -> None:
    known = {"grant_type": "refresh_token", "refresh_token": "lasting", "client_id": "app", "client_secret": "s"}
    handed = []

    def token(request: Request) -> Response:
        if dict(request.form) != known:
            return Response('{"error": "invalid_grant"}', 400)
        handed.append(f"access{len(handed)}")
        return Response(f'{{"access_token": "{handed[-1]}", "expires_in": 3600}}', content_type="application/json")

    def tell(request: Request) -> Response:
        if request.args["access_token"] not in handed:
            return Response('{"error": "invalid_token"}', 400, content_type="application/json")
        return Response('{"email": "ann"}', content_type="application/json")

    httpserver.expect_request("/token").respond_with_handler(token)
    httpserver.expect_request("/tell").respond_with_handler(tell)
    for dovecot in serve(httpserver.url_for("/tell?access_token=")):
        given: dict[str, Any] = {"host": "127.0.0.1", "port": dovecot.port, "security": "none", "username": "ann"}
        given |= {"token_url": httpserver.url_for("/token"), "client_id": "app", "client_secret": "s"}
        source = Email("mail", Email.Options(**given, refresh_token="lasting"))
        assert source.check() == "reached; INBOX: 0 mails"
        assert source.check() == "reached; INBOX: 0 mails"
        assert handed == ["access0"]
        with pytest.raises(AuthError, match=r"refresh_token: .*invalid_grant.* anew"):
            Email("mail", Email.Options(**given, refresh_token="taken back")).check()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"password": None}, "give a password, or token_url"),
        ({"address": None}, "replies need an address"),
        ({"address": "Acme Help"}, "write it as"),
        ({"folders": []}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"host": "h", "username": "u", "password": PASSWORD, "smtp_host": "s", "address": ADDRESS}
    with pytest.raises(ValidationError, match=said):
        Email.Options(**given | options)


# replies


def test_a_reply_stands_in_the_thread_and_goes_where_the_customer_asked(office: PostOffice) -> None:
    office.put(
        office.mail(
            "acme?", ago(9), Reply_To="Ann at home <ann@home.example>", References="<a@x> <b@x>", Subject="Order\t7"
        )
    )
    (mention,) = read(office)
    office.source().reply(Reply(mention, "Sorry!\n\nÄra muretse", "key", NOW), NOW)  # type: ignore[attr-defined]
    (mail,) = office.sent
    assert (mail.from_, mail.to, mail.subject) == ("help@acme.example", ("ann@home.example",), "Re: Order 7")
    assert mail.obj["In-Reply-To"] == f"<{mention}>"
    assert mail.obj["References"].split() == ["<a@x>", "<b@x>", f"<{mention}>"]
    assert mail.text.strip().replace("\r\n", "\n") == "Sorry!\n\nÄra muretse"


def test_what_no_person_wrote_says_so_and_no_machine_answers_it(office: PostOffice) -> None:
    mention = office.post("acme", ago(9))
    source: Any = office.source()
    source.reply(Reply(mention, "We have seen this", "one", NOW, automatic=True), NOW)
    source.reply(Reply(mention, "Sorry!", "two", NOW), NOW)
    assert [mail.obj["Auto-Submitted"] for mail in office.sent] == ["auto-replied", None]


def test_a_reply_that_goes_out_again_is_the_same_mail(office: PostOffice) -> None:
    mention = office.post("acme", ago(9))
    source = office.source(sent_folder=None)
    reply = Reply(mention, "Sorry!", "key", NOW)
    office.lose_answer()
    with pytest.raises(Uncertain):
        source.reply(reply, NOW)  # type: ignore[attr-defined]
    assert source.find_reply(reply) is None  # type: ignore[attr-defined]
    source.reply(reply, NOW)  # type: ignore[attr-defined]
    assert len({mail.obj["Message-ID"] for mail in office.sent}) == 1


def test_a_copy_is_kept_where_the_provider_keeps_none(office: PostOffice) -> None:
    mention = office.post("acme", ago(9))
    office.source(sent_folder="Shop", save_sent=True).reply(Reply(mention, "Sorry!", "k", NOW), NOW)  # type: ignore[attr-defined]
    office.box.select("Shop", readonly=True)
    assert office.box.search(None, "SEEN")[1] == [b"1"]


def test_a_mail_that_was_deleted_meanwhile_cannot_be_answered(office: PostOffice) -> None:
    with pytest.raises(Refused, match="no longer in the folders"):
        office.source().reply(Reply("gone@x.example", "Sorry!", "key", NOW), NOW)  # type: ignore[attr-defined]


def test_a_subject_cannot_smuggle_headers_into_our_reply(office: PostOffice) -> None:
    office.put(
        b"From: ann@x.example\r\nMessage-ID: <1@x>\r\nSubject: =?utf-8?q?acme=0D=0ABcc:_all@acme.example?=\r\n\r\nacme"
    )
    office.source().reply(Reply("1@x", "Sorry!", "key", NOW), NOW)  # type: ignore[attr-defined]
    assert office.sent[0].obj["Bcc"] is None
    assert office.sent[0].subject == "Re: acme Bcc: all@acme.example"


def test_a_server_that_wants_no_more_is_told_to_the_person_in_its_words(office: PostOffice) -> None:
    mention = office.post("acme", ago(9))
    office.code = "554 5.7.1 over quota"
    with pytest.raises(Refused, match=r"over quota \(554\)"):
        office.source().reply(Reply(mention, "Sorry!", "key", NOW), NOW)  # type: ignore[attr-defined]


def test_the_customer_hears_nothing_of_a_source_without_a_server_for_sending(office: PostOffice) -> None:
    source = office.source(smtp_host=None)
    assert not source.capabilities.reply
    with pytest.raises(Refused, match="smtp_host"):
        source.reply(Reply("x", "Sorry!", "key", NOW), NOW)  # type: ignore[attr-defined]


def test_a_check_reaches_both_servers(office: PostOffice) -> None:
    office.post("acme", ago(1))
    assert office.source().check() == "reached; INBOX: 1 mails, replies by 127.0.0.1"
    office.gate.says = b"<html>"
    with pytest.raises(RetryLater):
        office.source().check()
    office.answer(Answer(401))
    office.answer(None)
    with pytest.raises(RetryLater):
        office.source(smtp_port=office.gate.port).check()
