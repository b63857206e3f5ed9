"""The composition root: settings in, wired objects out. Nothing else builds its own collaborators."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from monitor.brands import Brands
from monitor.budgets import StoredMeter, budgets_of
from monitor.cases import Cases, Listener
from monitor.clock import Clock, SystemClock
from monitor.clock_stage import ClockStage
from monitor.database import Database, trouble
from monitor.engine import Stage
from monitor.errors import ConfigurationError
from monitor.from_sources import FromSources
from monitor.health import Health
from monitor.incidents import Incidents
from monitor.leases import release_owner, worker_name
from monitor.models import MentionRow, SourceState, StreamState
from monitor.settings import Settings, SourceSettings
from monitor.similar import SolvedCases
from monitor.solved import SolvedQuestions
from monitor.sources.base import Source
from monitor.storms import Storms

if TYPE_CHECKING:
    from fastapi import FastAPI

    from monitor.alerts.announce import Announcer
    from monitor.alerts.deliver import DeliverStage
    from monitor.alerts.outbox import Transport
    from monitor.alerts.slack_app import Socket
    from monitor.alerts.whispers import Whispers
    from monitor.classify.model import Classifier
    from monitor.collect import CollectStage
    from monitor.digest.sending import Digests
    from monitor.hooks import Hooks
    from monitor.outgoing import Replies
    from monitor.reply_stage import ReplyStage
    from monitor.sightings import Sightings
    from monitor.sources.budget import MeteredSource
    from monitor.spikes.watch import Spikes
    from monitor.streams import Streams

ROLES = ("collect", "classify", "deliver", "clock", "web", "slack")


class App:
    """Everything that a command may need, each made when it is first asked for."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, show: Callable[[str], None] | None = None
    ) -> None:
        """`show` takes the lines of the console transport, used where no Slack is configured (default: stdout)."""
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.owner = worker_name()
        self._show = show or print

    @cached_property
    def db(self) -> Database:
        """The configured database; nothing is connected yet."""
        return Database(self.settings.database.url)

    def open(self, create: bool = False) -> None:
        """Refuse a database whose schema is not this code's; with `create` one without tables gets them first."""
        from monitor.schema import check_schema, upgrade

        try:
            if self.fresh():
                if not create:
                    raise ConfigurationError(
                        "database.url", "there is no such database yet", "`firsthour run` creates it"
                    )
                upgrade(self.db)
            check_schema(self.db)
        except DBAPIError as error:
            raise ConfigurationError("database.url", trouble(error) or str(error)) from error

    def fresh(self) -> bool:
        """Whether there is no database yet, or an empty one. One that cannot be reached is none of these. Raises
        ConfigurationError where there is no place for one."""
        path = self._file
        if path is not None and not path.absolute().parent.is_dir():
            raise ConfigurationError("database.url", f"{path.absolute().parent}: no such directory", "make it first")
        if path is not None and not path.exists():
            return True
        try:
            return not inspect(self.db.engine).get_table_names()
        except OperationalError:
            return False  # check_schema tells why

    @property
    def _file(self) -> Path | None:
        name = self.db.url.database if self.db.dialect == "sqlite" else None
        return Path(name) if name and name != ":memory:" else None

    @cached_property
    def brands(self) -> Brands:
        languages = {source.name: source.languages for source in self.settings.sources}
        return Brands(self.settings.brands, _language, self.settings.authors, languages)

    @cached_property
    def sources(self) -> Mapping[str, tuple[Source, SourceSettings]]:
        return {s.name: (self._metered(make_source(s, self.brands)), s) for s in self.settings.sources}

    def _metered(self, source: Source) -> Source:
        """The source, with a meter that counts in the database if it spends anything."""
        if budgets := budgets_of(source):
            cast("MeteredSource", source).meter = StoredMeter(self.db, self.clock, source.name, budgets)
        return source

    @cached_property
    def announcer(self) -> Announcer:
        from monitor.alerts.announce import Announcer

        return Announcer(self.settings)

    @cached_property
    def cases(self) -> Cases:
        return Cases(
            self.db,
            self.settings,
            [self.announcer, SolvedQuestions(self.settings), *self._planners()],
            self.storms.gather,
        )

    def _planners(self) -> list[Listener]:
        if not any(s.auto_ack or s.status_notes or s.follow_up for s in self.settings.sources):
            return []
        from monitor.notices import NoticePlanner

        return [NoticePlanner(self.settings)]

    @cached_property
    def storms(self) -> Storms:
        return Storms(self.settings.storms, [self.announcer.incidents.gathered])

    @cached_property
    def incidents(self) -> Incidents:
        return Incidents(self.db, self.settings.storms, [self.announcer.incidents.turned])

    @cached_property
    def spikes(self) -> Spikes:
        from monitor.spikes.watch import Spikes

        return Spikes(self.db, self.settings, [self.announcer.spikes])

    @cached_property
    def digests(self) -> Digests:
        from monitor.alerts.announce import home
        from monitor.digest.sending import Digests

        return Digests(self.db, self.settings, home(self.settings)[0])

    @cached_property
    def classifier(self) -> Classifier:
        return self.loading_classifier.result()

    @cached_property
    def loading_classifier(self) -> Future[Classifier]:
        """Loads in a thread from the first call on: a starting service has other things to do meanwhile."""

        def load() -> Classifier:
            from monitor.classify.model import load_classifier

            return load_classifier(self.settings.classifier)

        pool = ThreadPoolExecutor(1, "firsthour-load")
        try:
            return pool.submit(load)
        finally:
            pool.shutdown(wait=False)

    @cached_property
    def health(self) -> Health:
        return Health(self.db, self.clock, self.settings, lambda: self.sources)

    @cached_property
    def from_sources(self) -> FromSources:
        return FromSources(self.cases, self.announcer)

    @cached_property
    def sightings(self) -> Sightings:
        from monitor.sightings import Sightings

        return Sightings(self.db, self.sources, self.brands, [self.from_sources])

    @cached_property
    def collect(self) -> CollectStage:
        from monitor.collect import CollectStage

        after = self.settings.ops.source_after
        return CollectStage(
            self.db, self.clock, self.sources, self.brands, self.owner, [self.from_sources], report_after=after
        )

    def streams(self, wake: Callable[[str], None]) -> Streams:
        """The listeners to sources that stream. `wake` is called with the name of the stage that has work now."""
        from monitor.streams import Streams

        return Streams(self.db, self.clock, self.sources, self.collect.intake, self.owner, wake)

    @cached_property
    def transports(self) -> Mapping[str, Transport]:
        """Slack if it is configured, else the console; Apprise where a step names one of its addresses."""
        from monitor.alerts.announce import apprise_urls, digest_urls, home, shown_in

        made: dict[str, Transport] = {}
        slack = self.settings.slack
        if home(self.settings)[0] == "slack":
            from monitor.alerts.slack import SlackTransport, web_client

            token = slack.bot_token.get_secret_value() if slack.bot_token else None
            made["slack"] = SlackTransport(web_client(token, slack.base_url), shown_in(self.settings))
        else:
            from monitor.alerts.console import ConsoleTransport

            made["console"] = ConsoleTransport(self._show)
        if urls := apprise_urls(self.settings) | digest_urls(self.settings):
            from monitor.alerts.apprise_transport import AppriseTransport

            made["apprise"] = AppriseTransport(urls)
        if self.settings.mail.host and any(each.email for each in self.settings.digests):
            from monitor.alerts.mail import MailTransport

            made["mail"] = MailTransport(self.settings.mail, self.clock)
        return made

    @cached_property
    def deliver(self) -> DeliverStage:
        from monitor.alerts.anew import Anew
        from monitor.alerts.announce import apprise_urls
        from monitor.alerts.deliver import DeliverStage, Outages
        from monitor.alerts.render import Renderer

        render = Renderer(self.settings, self.cases, self.clock)
        fallbacks = [("apprise", label) for label in apprise_urls(self.settings)]
        refused = self.whispers.refused if "slack" in self.transports else None
        more: dict[str, Any] = {"refused": refused} if refused else {}
        more["anew"] = Anew(self.cases)
        if self.settings.slack.channel and refused:
            more["outages"] = Outages("slack", self.settings.slack.channel, self.settings.slack.summary_after)
        return DeliverStage(self.db, self.clock, self.transports, render, self.owner, fallbacks, **more)

    @cached_property
    def whispers(self) -> Whispers:
        """Words for one person in Slack."""
        from monitor.alerts.slack import web_client
        from monitor.alerts.whispers import Whispers

        slack = self.settings.slack
        token = slack.bot_token.get_secret_value() if slack.bot_token else None
        return Whispers(web_client(token, slack.base_url), self.clock)

    @cached_property
    def replies(self) -> Replies:
        from monitor.outgoing import Replies

        return Replies(self.db, self.cases, self.settings, self.source)

    @cached_property
    def reply(self) -> ReplyStage:
        from monitor.reply_stage import ReplyStage

        return ReplyStage(self.db, self.clock, self.cases, self.source, self.owner)

    def source(self, name: str) -> Source | None:
        """The source of this name, None where none is configured."""
        found = self.sources.get(name)
        return found[0] if found else None

    def stages(self, roles: Collection[str]) -> list[Stage]:
        """The stages of `roles`, in the order of the data's path."""
        stages: list[Stage] = []
        if "collect" in roles:
            stages.append(self.collect)
        if "classify" in roles:
            from monitor.classify.batch import ClassifyStage

            batch = self.settings.classifier.batch
            stages.append(ClassifyStage(self.db, self.clock, self.classifier, self.cases, self.owner, batch))
        if "clock" in roles:
            stages.append(ClockStage(self.db, self.clock, self.cases, self.owner))
            if self._planners():
                from monitor.notices import Notices

                stages.append(Notices(self.db, self.clock, self.cases, self.settings, self.replies.route))
        if "deliver" in roles:
            stages += [self.reply, self.deliver]
        return stages

    def slack_app(self, changed: Callable[[], None]) -> Socket | None:
        """Slack's buttons, where both tokens are configured. `changed` is called after each press that worked."""
        if self.settings.slack.app_token is None or "slack" not in self.transports:
            return None
        from monitor.alerts.slack_app import Socket, build_app

        shared = (self.whispers, self.replies, self.incidents, self.solved)
        bolt = build_app(self.settings, self.cases, self.db, self.clock, changed, *shared)
        return Socket(bolt, self.settings.slack)

    def web(self) -> FastAPI:
        from monitor.rejects import Rejected, Retried, retry_one
        from monitor.web import build_web

        def retry(reject: Rejected) -> Retried:
            return retry_one(self.db, self.sources, self.brands, self.clock.now(), reject)

        shared = (self.health, self.hooks, self.replies, retry, self.solved)
        return build_web(self.db, self.clock, self.cases, self.settings, *shared)

    @cached_property
    def solved(self) -> SolvedCases:
        return SolvedCases(self.settings.classifier)

    @cached_property
    def hooks(self) -> Hooks:
        from monitor.hooks import Hooks
        from monitor.intake import Intake

        return Hooks(self.db, self.clock, self.sources, Intake(self.db, self.sources, self.brands, [self.from_sources]))

    def release(self) -> None:
        """Give back what this worker's stages still hold. A delivery that is being sent keeps its lease: whether it
        arrived is looked up when the lease runs out."""
        waiting = text("mentions.judging = 'waiting'")  # literal, so that SQLite takes the partial index
        with self.db.write() as session:
            release_owner(session, SourceState, self.owner)
            release_owner(session, StreamState, self.owner)
            release_owner(session, MentionRow, self.owner, waiting)

    def close(self) -> None:
        try:
            if "sources" in self.__dict__:
                for source, _ in self.sources.values():
                    source.close()
        finally:
            if "db" in self.__dict__:
                self.db.close()


def _language(text: str) -> str | None:
    from monitor.classify.language import language

    code, _ = language(text)
    return None if code == "und" else code


def make_source(settings: SourceSettings, brands: Brands) -> Source:
    """The source of `settings`, searching for the brands that it is meant for."""
    from monitor.sources import source_class

    kind: Any = source_class(settings.type)
    made: Source = kind(settings.name, kind.Options.model_validate(settings.options), brands.terms(settings.brands))
    return made
