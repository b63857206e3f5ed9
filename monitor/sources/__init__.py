"""Where customers talk. REGISTRY names every built-in type; others come in as entry points `firsthour.sources`."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points

from monitor.errors import ConfigurationError

REGISTRY = {
    "app_store": "monitor.sources.app_store:AppStore",
    "bluesky": "monitor.sources.bluesky:Bluesky",
    "discourse": "monitor.sources.discourse:Discourse",
    "facebook": "monitor.sources.facebook:Facebook",
    "google_business": "monitor.sources.google_business:GoogleBusiness",
    "email": "monitor.sources.email:Email",
    "google_play": "monitor.sources.google_play:GooglePlay",
    "hackernews": "monitor.sources.hackernews:HackerNews",
    "instagram": "monitor.sources.instagram:Instagram",
    "mastodon": "monitor.sources.mastodon:Mastodon",
    "reddit": "monitor.sources.reddit:Reddit",
    "replay": "monitor.sources.replay:Replay",
    "rss": "monitor.sources.rss:Rss",
    "trustpilot": "monitor.sources.trustpilot:Trustpilot",
    "webhook": "monitor.sources.webhook:Webhook",
    "x": "monitor.sources.x:X",
    "youtube": "monitor.sources.youtube:YouTube",
}


def types() -> dict[str, str]:
    """Every source type that can be configured, and where its class is."""
    return {point.name: point.value for point in entry_points(group="firsthour.sources")} | REGISTRY


def source_class(kind: str) -> type:
    """The class of a source type. Each has `Options`, a pydantic model of its own settings, and is made as
    `cls(name, options, terms)`, where `terms` is the brands' search words."""
    known = types()
    if kind not in known:
        near = get_close_matches(kind, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else "one of " + ", ".join(sorted(known))
        raise ConfigurationError("sources.type", f'there is no source type "{kind}"', hint)
    module, _, name = known[kind].partition(":")
    found: type = getattr(import_module(module), name)
    return found
