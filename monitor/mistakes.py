"""What is wrong with a configuration, so that a person can mend it: the key, the matter, the nearest right word."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from monitor.errors import ConfigurationError, FirsthourError

if TYPE_CHECKING:
    from monitor.settings import BrandSettings, SourceSettings


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
        known = _keys_at(model, error["loc"][:-1])
        near = get_close_matches(str(error["loc"][-1]), known, n=1)
        return ConfigurationError(
            key, "no such setting", f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(known)
        )
    if error["type"] == "missing":
        return ConfigurationError(key, "is missing")
    return ConfigurationError(key, error["msg"].removeprefix("Value error, "))


def _keys_at(root: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    model: Any = root
    for part in location:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        model = next((a for a in getattr(annotation, "__args__", ()) if isinstance(a, type)), annotation)
    return sorted(model.model_fields)


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
                if e["type"] == "extra_forbidden":
                    known = sorted(source_class(source.type).Options.model_fields)  # type: ignore[attr-defined]
                    near = get_close_matches(str(e["loc"][-1]), known, n=1)
                    hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(known)
                    mistakes.append(ConfigurationError(key, f"no such setting of type {source.type}", hint))
                else:
                    message = "is missing" if e["type"] == "missing" else e["msg"].removeprefix("Value error, ")
                    mistakes.append(ConfigurationError(key, message))
    return mistakes


def wrong_brands(brands: Iterable[BrandSettings]) -> list[ConfigurationError]:
    """Match expressions that cannot be read."""
    from monitor.brands import parse_match

    mistakes = []
    for brand in brands:
        try:
            parse_match(brand.match)
        except ConfigurationError as error:
            mistakes.append(ConfigurationError(f"brands.{brand.name}.match", error.message, error.hint))
    return mistakes
