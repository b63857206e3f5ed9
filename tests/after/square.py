"""An office with a source that takes replies, wired as the service wires them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fake_slack import FakeSlack
from office import Office, verdict

from monitor.alerts.announce import Announcer
from monitor.cases import Case, Cases
from monitor.classify.verdict import SENTIMENTS, Verdict
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import MentionRow, NoticeRow, ReplyRow, VerdictRow
from monitor.notices import NoticePlanner, Notices
from monitor.outgoing import Replies
from monitor.reply_stage import ReplyStage
from monitor.settings import Settings
from monitor.solved import SolvedQuestions
from monitor.sources.base import Capabilities, Reply, SeenReply, first_of

SECRET = "0123456789abcdef" * 4


class Square:
    """A service that takes replies. `troubles` come before a reply is taken, `lost` after it: the answer is lost."""

    name = "reddit"
    capabilities: Capabilities = Capabilities(reply=True, reply_limit=500, place="the Square", sees_replies=True)

    def __init__(self) -> None:
        self.posts: list[Reply] = []
        self.by_hand: list[tuple[str, SeenReply]] = []
        self.troubles: list[Exception] = []
        self.lost: list[Exception] = []
        self.blind: Exception | None = None
        self.wall: str | None = None

    def reply(self, reply: Reply, now: Any) -> SeenReply:
        if self.troubles:
            raise self.troubles.pop(0)
        self.posts.append(reply)
        if self.lost:
            raise self.lost.pop(0)
        return self._seen(reply)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        if self.blind is not None:
            raise self.blind
        return next((self._seen(post) for post in self.posts if post.key == reply.key), None)

    def barrier(self, mention: str) -> str | None:
        return self.wall

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        all_of_them = [(post.to, self._seen(post)) for post in self.posts] + self.by_hand
        found = {id: first_of((seen for to, seen in all_of_them if to == id), besides) for id in external_ids}
        return {id: reply for id, reply in found.items() if reply is not None}

    def _seen(self, reply: Reply) -> SeenReply:
        return SeenReply(f"r-{reply.key}", reply.since, "acmehelp", f"https://square.example/{reply.key}")


class CourteousOffice(Office):
    """`rules` are more settings; the source `reddit` may do all that a source may, unless `allows` says otherwise."""

    def __init__(
        self,
        db: Database,
        clock: ManualClock,
        slack: FakeSlack,
        make_settings: Callable[..., Settings],
        rules: dict[str, Any] | None = None,
        allows: tuple[str, ...] = ("auto_ack", "status_notes", "follow_up"),
    ) -> None:
        source = {"name": "reddit", "type": "replay", "path": "-"} | dict.fromkeys(allows, True)
        super().__init__(db, clock, slack, make_settings, {"sources": [source]} | (rules or {}))
        listeners = [Announcer(self.settings), SolvedQuestions(self.settings), NoticePlanner(self.settings)]
        self.cases = Cases(db, self.settings, listeners)
        self.render._cases = self.cases
        self.square = Square()
        self.replies = Replies(db, self.cases, self.settings, self._source)
        self.notices = self.new_notices()
        self.sender = self.new_sender("sender")

    def new_notices(self) -> Notices:
        return Notices(self.db, self.clock, self.cases, self.settings, self.replies.route)

    def new_sender(self, name: str) -> ReplyStage:
        return ReplyStage(self.db, self.clock, self.cases, self._source, name)

    def complain(self, text: str = "My parcel never came.", judged: Verdict | None = None, **more: Any) -> Case:
        judged = judged or verdict()
        scores = dict(zip(SENTIMENTS, judged.sentiment_scores, strict=True))
        names = set(judged.__dataclass_fields__) - {"sentiment_scores", "features"}
        plain = {name: getattr(judged, name) for name in names}
        with self.db.write() as session:
            row = MentionRow(**self.mention(text, **more))
            session.add(row)
            session.flush()
            session.add(VerdictRow(mention_id=row.id, revision=0, judged_at=self.clock.now(), **plain, **scores))
            case_id = self.cases.consider(session, {row.id: judged}, self.clock.now()).get(row.id)
        assert case_id is not None
        return self.case(case_id)

    def go_on(self, **by: float) -> list[str]:
        """Let the time pass; what customers were told by itself meanwhile."""
        before = len(self.square.posts)
        self.later(**by)
        self.notices.run_once()
        self.sender.run_once()
        return [post.text for post in self.square.posts[before:]]

    def events(self, case: Case) -> list[str]:
        with self.db.read() as session:
            return [event.kind for event in self.cases.history(session, case.id)]

    def outcomes(self) -> list[tuple[str, str | None]]:
        with self.db.read() as session:
            return [(row.kind, row.outcome) for row in session.query(NoticeRow).order_by(NoticeRow.id)]

    def sent(self) -> list[tuple[str, str]]:
        with self.db.read() as session:
            return [(row.kind, row.state) for row in session.query(ReplyRow).order_by(ReplyRow.id)]

    def _source(self, name: str) -> Any:
        return self.square if name == "reddit" else None
