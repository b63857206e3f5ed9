"""Reads a forum with a JSON address, newest post first. An example of a source in a package of its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from monitor.errors import RetryLater
from monitor.settings import Duration
from monitor.sources.base import Author, Capabilities, Cursor, Item, Page, SeenReply
from monitor.sources.http import Http
from monitor.sources.rejects import read_each
from monitor.sources.walk import Batch, dated, walk


class Forum:
    class Options(BaseModel):
        """The keys of `[[sources]]` that belong to this type. Secrets are `SecretStr`."""

        model_config = ConfigDict(extra="forbid", frozen=True)
        base_url: str = Field(description="the forum's address")
        lag: Duration = Field(timedelta(minutes=10), description="read again at each poll")

    capabilities = Capabilities()

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        """`terms` are the brands' words, for services that search."""
        self.name = name
        self._options = options
        self._http = Http(name, options.base_url)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        def read(_: str, mark: int, before: int | None) -> Batch:
            return self._read(mark, before)

        first = int((now - timedelta(days=1)).timestamp())
        return walk(cursor, ["posts"], first, int(now.timestamp()), read)

    def _read(self, mark: int, before: int | None) -> Batch:
        posts = self._http.json("/posts", {"limit": 50} | ({"before": before} if before else {}))
        if not isinstance(posts, list):
            raise RetryLater(f"sources.{self.name}: the answer is no list")
        items, rejects = read_each(posts, read_post)
        older = int(items[-1].external_id) if items and len(posts) == 50 else None
        return dated(items, rejects, mark, self._options.lag, older)

    def check(self) -> str:
        self._http.json("/posts", {"limit": 1})
        return "reached"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        return {}  # and `Capabilities()` says so

    def close(self) -> None:
        self._http.close()


def read_post(post: dict) -> Item:
    return Item(
        external_id=str(int(post["id"])),
        text=post["text"],
        posted_at=datetime.fromtimestamp(post["time"], UTC),
        author=Author(post["author"]),
    )
