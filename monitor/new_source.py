"""A source that is added to the configuration file, whose comments and order stay as they are."""

from __future__ import annotations

import os
import tempfile
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import tomlkit
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from monitor.settings import PREFIX, Settings, parse


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in _parts(field.annotation)


def value_of(text: str, field: FieldInfo) -> Any:
    """What a person typed, as the field wants it: TOML where it is some (`3`, `true`, `["a", "b"]`), else a text; words
    with commas between them for a list."""
    kinds = [get_origin(each) or each for each in _parts(field.annotation)]
    if list in kinds and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if any(kind in kinds for kind in (int, float, bool, list, dict)):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def variable(name: str, key: str) -> str:
    """The variable of the environment that sets `key` of the source `name`."""
    return f"{PREFIX}SOURCES__{name}__{key}".upper().replace("-", "_")


def with_source(text: str, values: Mapping[str, Any]) -> str:
    """The TOML `text` with one more table under `[[sources]]`, at the end."""
    document = tomlkit.parse(text)
    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, value)
    if "sources" not in document:
        document.add("sources", tomlkit.aot())
    document["sources"].append(table)
    return tomlkit.dumps(document)


def checked(text: str, secrets: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """The settings in `text`, whose last source has the `secrets` too. Raises BadSettings."""
    raw = tomllib.loads(text)
    raw["sources"][-1] |= secrets
    return parse(raw, environment)


def write(path: Path, text: str) -> None:
    """Put `text` in the place of the file, whole or not at all, with the file's own rights."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if path.exists():
            os.chmod(part, path.stat().st_mode & 0o777)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def options_of(kind: Any) -> Mapping[str, FieldInfo]:
    """The keys that belong to a type of source, in the order in which it names them."""
    options: type[BaseModel] = kind.Options
    return options.model_fields


def _parts(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
