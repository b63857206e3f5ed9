"""What the configuration says of each source, part of monitor/settings.py."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.section import Language, Span


class SourceSettings(BaseModel):
    """Common to all sources; the rest of the keys belong to the type (see docs/sources)."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = Field(min_length=1, max_length=100, description="unique; also what `firsthour poll --source` takes")
    type: str = Field(description="what is read: one of the types below, or one that a plugin adds")
    every: Span = Field(timedelta(minutes=1), validate_default=True, description="time between two polls")
    every_min: Span | None = Field(
        None, description="a busy source is polled more often, down to this; none: as `every` says"
    )
    every_max: Span | None = Field(
        None, description="a quiet source is polled more seldom, up to this; none: as `every` says"
    )
    brands: list[str] = Field(default_factory=list, description="brands looked for here; none: all")
    languages: list[Language] = Field(
        default_factory=list, description="only what is in these languages is kept; none: all"
    )
    sweep: Span = Field(
        timedelta(hours=20),
        validate_default=True,
        description="what is kept is asked for again so often, so that what was deleted there is deleted here; only "
        "where the service tells",
    )
    backfill: bool = Field(False, description="what is read here never starts a clock")
    auto_ack: bool = Field(False, description="acknowledge complaints in public by ourselves, as [auto_ack] says")
    status_notes: bool = Field(
        False, description="tell the customer in public when a person takes the case, or its promised time moves"
    )
    follow_up: bool = Field(False, description="write to the customer in public once the case was solved, see [after]")

    @model_validator(mode="after")
    def _bounds(self) -> SourceSettings:
        shortest, longest = self.every_min or self.every, self.every_max or self.every
        if not shortest <= self.every <= longest:
            raise ValueError("every_min must not be longer than every, nor every_max shorter")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The keys of the type itself."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def fingerprint(self) -> str:
        """Changes when the configuration of the source changes (secrets included, as a hash)."""
        return hashlib.sha256(json.dumps([self.type, self.options], sort_keys=True, default=str).encode()).hexdigest()
