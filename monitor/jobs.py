"""The periodic work, by the roles of a process."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from monitor.app import App
from monitor.parents import forget_parents
from monitor.scheduler import Job, forget_slots
from monitor.solved import ask_due
from monitor.watch import Watch

MINUTE = timedelta(minutes=1)
DAYS_AT_ONCE = 100  # that are added up for the trends: the rest waits for the next run
MENTIONS_AT_ONCE = 50_000  # that are read into the index of words


def jobs(app: App, roles: Collection[str]) -> list[Job]:
    found = []
    if "collect" in roles:
        found.append(Job("check_replies", MINUTE, lambda now: app.collect.check_replies()))
        found.append(Job("look_again", MINUTE, app.sightings.tick))
    if "clock" in roles:
        found += [forget_slots(app.db), forget_parents(app.db)]
        found.append(Watch(app.db, app.clock, app.settings, app.announcer.ops).job())
        found.append(Job("forget_sign_ins", timedelta(hours=1), lambda now: _forget_sign_ins(app, now)))
        found.append(Job("forget_limits", timedelta(days=1), lambda now: _forget_limits(app, now)))
        if app.settings.retention.words is not None:
            found.append(Job("purge", timedelta(days=1), lambda now: _purge(app, now)))
        found.append(Job("ask_solved", MINUTE, lambda now: ask_due(app.db, app.cases, now)))
        found.append(Job("incidents", MINUTE, app.incidents.tick))
        if app.settings.spikes.enabled:
            found.append(Job("spikes", 5 * MINUTE, app.spikes.tick))
        if app.settings.digests:
            found.append(Job("digests", MINUTE, app.digests.tick))
        found.append(Job("add_up", 5 * MINUTE, lambda now: _add_up(app, now)))
        found.append(Job("index_words", MINUTE, lambda now: _index_words(app)))
    return found


def _forget_limits(app: App, now: datetime) -> None:
    from monitor.notices import forget_limits

    forget_limits(app.db, app.settings, now)


def _forget_sign_ins(app: App, now: datetime) -> None:
    from monitor.access.attempts import Attempts
    from monitor.access.audit import forget
    from monitor.access.sessions import Sessions

    login = app.settings.login
    Attempts(app.db).forget(now)
    Sessions(app.db, login.idle, login.lifetime).forget(now)
    forget(app.db, login.audit_kept, now)


def _add_up(app: App, now: datetime) -> None:
    from monitor.tallies import settle

    settle(app.db, app.settings.clock.zone, now, most=DAYS_AT_ONCE)


def _index_words(app: App) -> None:
    from monitor.word_index import fill

    fill(app.db, most=MENTIONS_AT_ONCE)


def _purge(app: App, now: datetime) -> None:
    from monitor.retention import purge

    if app.settings.retention.words is not None:
        purge(app.db, now, app.settings.retention.words)
