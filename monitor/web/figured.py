"""A page of figures of what an address asks for; where that cannot be shown, why, and the nearest that can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from monitor.web.pages import Pages
from monitor.web.scope import Impossible

_LONGEST = 100  # characters of what is asked for
_TRIES = 4  # one mistake after the other


def asked(request: Request) -> dict[str, str]:
    """What the address asks for, as it comes: each page says itself of what it cannot show."""
    return {name: value[:_LONGEST].replace("\x00", "") for name, value in request.query_params.items() if value}


Asked = Annotated[dict[str, str], Depends(asked)]


def figured(
    pages: Pages,
    request: Request,
    template: str,
    report: Callable[[Mapping[str, str]], Any],
    asked: Mapping[str, str],
    **more: Any,
) -> Response:
    """Draws `template` with `report`, `why` (None, or why something else is shown) and `more`."""
    why: str | None = None
    wanted = dict(asked)
    for left in reversed(range(_TRIES)):
        try:
            found = report(wanted)
            break
        except Impossible as error:
            why = why or str(error)
            mended = wanted | dict(error.instead or {})
            wanted = {name: value for name, value in mended.items() if value} if left > 1 and error.instead else {}
    return pages.draw(template, request, 422 if why else 200, report=found, why=why, **more)
