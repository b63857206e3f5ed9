"""`firsthour check`: is the configuration right, and does everything that it names answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from monitor.alerts.quiet import too_late
from monitor.app import App, make_source
from monitor.database import trouble
from monitor.errors import FirsthourError
from monitor.logs import Redactor, secrets
from monitor.settings import BrandSettings, SourceSettings
from monitor.web_settings import LOOPBACK

PATIENCE = 30.0  # seconds until a part that does not answer counts as failed


@dataclass(frozen=True, slots=True)
class Finding:
    part: str  # configuration, brand, database, classifier, source, login, slack, apprise
    name: str
    ok: bool
    detail: str


def check_all(app: App) -> list[Finding]:
    """Ask everything at once; one finding for each part, in a fixed order, with no secret in it."""
    redact = Redactor(secrets(app.settings)).text
    wanted: list[tuple[str, str, Callable[[], str]]] = [
        ("database", app.db.url.render_as_string(hide_password=True), lambda: _database(app)),
        ("classifier", app.settings.classifier.model, lambda: str(app.classifier.version)),
    ]
    for settings in app.settings.sources:
        wanted.append(("source", settings.name, lambda s=settings: _source(app, s)))  # type: ignore[misc]
    for name, transport in app.transports.items():
        if name != "console":
            wanted.append((name, _transport_name(app, name), transport.check))
    if "console" in app.transports:
        missing = "no slack.bot_token or slack.channel: alerts go to standard output"
        wanted.append(("slack", "", lambda: missing))
    wanted += _login(app)
    brands = f"{len(app.settings.brands)} brands, {len(app.settings.sources)} sources"
    if warning := too_late(app.settings, app.clock.now()):
        brands += f"; warning: {warning}"
    findings = [Finding("configuration", "", True, brands), *map(_kept, app.settings.brands)]
    pool = ThreadPoolExecutor(max_workers=16)
    running = [(part, name, pool.submit(asked)) for part, name, asked in wanted]
    for part, name, future in running:
        ok, detail = True, ""
        try:
            detail = future.result(timeout=PATIENCE)
        except TooLate:
            ok, detail = False, f"no answer within {PATIENCE:.0f} s"
        except FirsthourError as error:
            ok, detail = False, str(error)
        except SQLAlchemyError as error:
            ok, detail = False, trouble(error) or str(error)
        except Exception as error:
            ok, detail = False, f"{type(error).__name__}: {error}"
        findings.append(Finding(part, name, ok, redact(" ".join(detail.split()))[:500]))
    pool.shutdown(wait=False, cancel_futures=True)
    return findings


def _kept(brand: BrandSettings) -> Finding:
    """What is kept of a brand, in words."""
    told = [brand.match]
    if brand.exclude is not None:
        told.append(f"not {brand.exclude}")
    if brand.languages:
        told.append("only in " + ", ".join(brand.languages))
    for names, verb in ((brand.block_authors, "blocked"), (brand.allow_authors, "always kept")):
        if count := sum(map(len, names.values())):
            told.append(f"{count} author{'s' if count > 1 else ''} {verb}")
    if brand.competitor:
        told.append("a competitor: never alerted")
    return Finding("brand", brand.name, True, "; ".join(told))


def _database(app: App) -> str:
    from monitor.schema import expected

    if app.db.dialect == "sqlite" and app.fresh():
        return "not there yet: `firsthour run` creates it"
    app.open()
    return f"schema {expected()}"


def _source(app: App, settings: SourceSettings) -> str:
    source = make_source(settings, app.brands)
    try:
        found = source.check()
        wanted = [key for key in ("auto_ack", "status_notes", "follow_up") if getattr(settings, key)]
        if wanted and not source.capabilities.reply:
            are = "is" if len(wanted) == 1 else "are"
            found += f"; warning: {', '.join(wanted)} {are} on, but it takes no replies: customers are told nothing"
        return found
    finally:
        source.close()


def _login(app: App) -> list[tuple[str, str, Callable[[], str]]]:
    """How people sign in, where they are asked to."""
    from monitor.access.identity import providers_of

    login, web = app.settings.login, app.settings.web
    found: list[tuple[str, str, Callable[[], str]]] = []
    if login.local:
        found.append(("login", "passwords", lambda: _people(app)))
    for kind, provider in providers_of(login).items():
        back = f"{web.url or 'http://' + web.bind}/login/{kind}/back"
        told = f"; register {back} there as redirect address"
        found.append(("login", kind, lambda p=provider, t=told: p.check(app.clock.now()) + t))  # type: ignore[misc]
    return found


def _people(app: App) -> str:
    from monitor.access.passwords import Passwords
    from monitor.access.users import Users

    if app.db.dialect == "sqlite" and app.fresh():
        return "nobody yet: `firsthour users add NAME --role admin`"
    having = [user for user in Users(app.db, Passwords()).all() if user.has_password and user.disabled_at is None]
    count = "1 person" if len(having) == 1 else f"{len(having)} people"
    said = count if having else "nobody yet: `firsthour users add NAME --role admin`"
    if app.settings.web.host not in LOOPBACK and not (app.settings.web.url or "").startswith("https:"):
        said += "; warning: `url` in [web] is no https address: passwords can be read on the way"
    return said


def _transport_name(app: App, name: str) -> str:
    return app.settings.slack.channel or "" if name == "slack" else ""
