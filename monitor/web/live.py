"""Server-sent events: tells every open page when something changed, and what time it is by the service's clock.

One loop looks at the database, however many pages are open, and none looks while no page is. An event carries no
content: a page that hears "changed" asks for the parts that it shows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from monitor.clock import Clock
from monitor.database import Database
from monitor.web import queries, words

LOOK_EVERY = 0.35  # seconds, so that another tab follows within one
TIME_EVERY = 15.0  # seconds of the service's clock


class Live:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self.speed: float = getattr(clock, "speed", 1.0)
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncIterator[str]:
        """Events in the wire format, beginning with the time, until `close`."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=64)
        self._loop = asyncio.get_running_loop()
        self._listeners.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield "retry: 1000\n" + self._time()
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every stream. Safe to call from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, None)

    async def _watch(self) -> None:
        seen: str | None = None
        quiet = 0.0
        while self._listeners:
            try:
                version = await anyio.to_thread.run_sync(self._version)
            except Exception:  # the database is away: say nothing now, everything when it is back
                version = ""
            if version != seen and version:
                # Also the first time: a page may have been drawn just before this look.
                self._tell(_event("changed", {"version": version}))
                seen = version
            quiet += LOOK_EVERY
            if quiet >= max(1.0, TIME_EVERY / max(self.speed, 0.01)):
                self._tell(self._time())
                quiet = 0.0
            await asyncio.sleep(LOOK_EVERY)

    def _version(self) -> str:
        with self._db.read() as session:
            return queries.version(session)

    def _time(self) -> str:
        return _event("time", {"now": words.iso(self._clock.now(), "milliseconds"), "speed": self.speed})

    def _tell(self, event: str | None) -> None:
        for queue in list(self._listeners):
            if event is None or queue.full():  # a page that does not read gets a fresh stream when it comes back
                while not queue.empty():
                    queue.get_nowait()
                event_for_it = None
            else:
                event_for_it = event
            queue.put_nowait(event_for_it)


def _event(kind: str, data: dict[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def live_routes(live: Live) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/events")
    async def events(request: Request) -> StreamingResponse:
        return StreamingResponse(live.listen(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router
