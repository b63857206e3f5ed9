"""What is wrong with a configuration, so that a person can mend it: the key, the matter, the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from monitor.errors import ConfigurationError, FirsthourError
from monitor.web_settings import LOOPBACK, host_of

if TYPE_CHECKING:
    from monitor.settings import BrandSettings, SourceSettings


Part = TypeVar("Part", bound=BaseModel)


class BadSettings(FirsthourError):
    """The configuration has mistakes; all of them are in `mistakes`."""

    def __init__(self, mistakes: list[ConfigurationError]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def mistake(error: Any, raw: dict[str, Any], model: type[BaseModel]) -> ConfigurationError:
    """One of pydantic's errors about `raw`, read as `model`: the key as people know it, and a near one for a slip."""
    path: list[str] = []
    at: Any = raw
    for part in error["loc"]:
        at = (
            at[part]
            if isinstance(at, list) and isinstance(part, int) and part < len(at)
            else (at.get(part) if isinstance(at, dict) else None)
        )
        label = at.get("name") if isinstance(part, int) and isinstance(at, dict) else None
        path.append(str(label if label else part))
    key = ".".join(path) or "configuration"
    if error["type"] == "extra_forbidden":
        known = sorted(_model_at(model, error["loc"][:-1]).model_fields)
        near = get_close_matches(str(error["loc"][-1]), known, n=1)
        return ConfigurationError(
            key, "no such setting", f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(known)
        )
    if error["type"] == "missing":
        field = _model_at(model, error["loc"][:-1]).model_fields[error["loc"][-1]]
        return ConfigurationError(key, "is missing", field.description or "")
    hint = f"write [[{key}]], with two brackets" if error["type"] == "list_type" and isinstance(at, dict) else ""
    return ConfigurationError(key, error["msg"].removeprefix("Value error, "), hint)


def _model_at(root: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel]:
    model: Any = root
    for part in location:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        model = next((a for a in getattr(annotation, "__args__", ()) if isinstance(a, type)), annotation)
    return model  # type: ignore[no-any-return]


def tables(value: object) -> list[dict[str, Any]]:
    """The tables of an array of tables; what is none is left to the other checks."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def readable(model: type[Part], raw: object) -> list[Part]:
    """The tables of `raw` as far as they can be read: keys whose values are wrong are left out."""
    found = []
    for table in tables(raw):
        wrong: set[Any] = set()
        for _ in range(2):
            try:
                found.append(model.model_validate({key: value for key, value in table.items() if key not in wrong}))
                break
            except ValidationError as error:
                wrong |= {e["loc"][0] for e in error.errors() if e["loc"]}
    return found


def wrong_names(raw: dict[str, Any], sources: Iterable[SourceSettings]) -> list[ConfigurationError]:
    """Names that are used twice, and brands of sources that there are not."""
    mistakes = []
    known = [table["name"] for table in tables(raw.get("brands")) if isinstance(table.get("name"), str)]
    templates = [str(table.get("name")) for table in tables(raw.get("templates"))]
    named = (("brands", known), ("sources", [source.name for source in sources]), ("templates", templates))
    for kind, names in named:
        for twice in sorted({name for name in names if names.count(name) > 1}):
            mistakes.append(ConfigurationError(f"{kind}.{twice}.name", "is used twice", "give each its own name"))
    for source in sources:
        for brand in source.brands:
            if brand not in known:
                near = get_close_matches(brand, known, n=1)
                hint = f'did you mean "{near[0]}"?' if near else "known: " + (", ".join(dict.fromkeys(known)) or "none")
                mistakes.append(
                    ConfigurationError(f"sources.{source.name}.brands", f'there is no brand "{brand}"', hint)
                )
    return mistakes


def wrong_routes(raw: dict[str, Any]) -> list[ConfigurationError]:
    """Routes for brands and sources that there are not."""
    slack = raw.get("slack")
    mistakes = []
    for number, route in enumerate(tables(slack.get("routes") if isinstance(slack, dict) else None)):
        for kind in ("brand", "source"):
            known = [t["name"] for t in tables(raw.get(f"{kind}s")) if isinstance(t.get("name"), str)]
            wanted = route.get(kind)
            for name in wanted if isinstance(wanted, list) else []:
                if name not in known:
                    near = get_close_matches(str(name), known, n=1)
                    hint = f'did you mean "{near[0]}"?' if near else "known: " + (", ".join(known) or "none")
                    key = f"slack.routes.{number}.{kind}"
                    mistakes.append(ConfigurationError(key, f'there is no {kind} "{name}"', hint))
    return mistakes


def wrong_digests(raw: dict[str, Any]) -> list[ConfigurationError]:
    """Digests of brands that there are not, and by mail without a server that takes it."""
    mistakes = []
    known = [t["name"] for t in tables(raw.get("brands")) if isinstance(t.get("name"), str)]
    mail = raw.get("mail")
    for number, digest in enumerate(tables(raw.get("digests"))):
        wanted = digest.get("brands")
        for name in wanted if isinstance(wanted, list) else []:
            if name not in known:
                near = get_close_matches(str(name), known, n=1)
                hint = f'did you mean "{near[0]}"?' if near else "known: " + (", ".join(known) or "none")
                mistakes.append(ConfigurationError(f"digests.{number}.brands", f'there is no brand "{name}"', hint))
        if digest.get("email") and not (isinstance(mail, dict) and mail.get("host")):
            hint = "set host and address in [mail], or use apprise"
            mistakes.append(ConfigurationError(f"digests.{number}.email", "there is no server that takes mail", hint))
    return mistakes


def wrong_sources(sources: Iterable[SourceSettings]) -> list[ConfigurationError]:
    """Types that there are not, and keys that a type does not know or cannot do without."""
    from monitor.sources import source_class

    mistakes = []
    for source in sources:
        try:
            source_class(source.type).Options.model_validate(source.options)  # type: ignore[attr-defined]
        except ConfigurationError as error:
            mistakes.append(ConfigurationError(f"sources.{source.name}.type", error.message, error.hint))
        except ValidationError as error:
            for e in error.errors():
                key = ".".join(["sources", source.name, *map(str, e["loc"])])
                fields = source_class(source.type).Options.model_fields  # type: ignore[attr-defined]
                if e["type"] == "extra_forbidden":
                    known = sorted(fields)
                    near = get_close_matches(str(e["loc"][-1]), known, n=1)
                    hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(known)
                    mistakes.append(ConfigurationError(key, f"no such setting of type {source.type}", hint))
                elif e["type"] == "missing" and e["loc"][0] in fields:
                    mistakes.append(ConfigurationError(key, "is missing", fields[e["loc"][0]].description or ""))
                else:
                    mistakes.append(ConfigurationError(key, e["msg"].removeprefix("Value error, ")))
    return mistakes


def wrong_brands(brands: Iterable[BrandSettings]) -> list[ConfigurationError]:
    """Match expressions that cannot be read."""
    from monitor.brands import parse_match

    mistakes = []
    for brand in brands:
        for key, expression in (("match", brand.match), ("exclude", brand.exclude)):
            try:
                parse_match(expression) if expression is not None else None
            except ConfigurationError as error:
                mistakes.append(ConfigurationError(f"brands.{brand.name}.{key}", error.message, error.hint))
    return mistakes


def wrong_bind(raw: dict[str, Any]) -> list[ConfigurationError]:
    """An address that others reach, without a login or without the name by which they call it."""
    web, login = ({} if not isinstance(raw.get(name), dict) else raw[name] for name in ("web", "login"))
    bind = web.get("bind")
    if not isinstance(bind, str) or host_of(bind) in LOOPBACK or ":" not in bind:
        return []
    local = str(login.get("local", False)).lower() in ("true", "1", "yes", "on")
    if not local and not login.get("slack_client_id") and not login.get("oidc_issuer"):
        why = f'"{bind}" can be reached by others, and nobody would be asked who they are'
        return [ConfigurationError("web.bind", why, "set up [login], see docs/login.md, or bind to 127.0.0.1")]
    if not web.get("url"):
        why = f'is missing: on "{bind}" the desk has to know by which address people open it'
        return [ConfigurationError("web.url", why, "such as https://desk.acme.example")]
    return []
