"""Each chart of each page as a file: its figures as CSV, its picture as PNG, its spec and all as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from monitor.charts import Chart
from monitor.charts.chart import Kind
from monitor.charts.picture import png
from monitor.errors import ConfigurationError
from monitor.web.figure_queries import ChartQuery

Charts = Callable[[Mapping[str, str]], Mapping[str, Chart]]  # of what an address asks; raises Impossible
Page = Annotated[str, Path(max_length=40, description="such as overview", examples=["overview"])]
Name = Annotated[str, Path(max_length=80, description="such as volume", examples=["volume"])]
_FILE: dict[int | str, dict[str, Any]] = {200: {"description": "the file"}, 404: {"description": "no such chart"}}


class ColumnOut(BaseModel):
    name: str
    kind: Kind = Field(description="shares are from 0 to 1, points from -1 to 1")


class ChartOut(BaseModel):
    title: str = Field(description="the finding")
    measure: str
    scope: str
    note: str | None
    columns: list[ColumnOut]
    rows: list[list[Any]]
    spec: dict[str, Any] = Field(description="Vega-Lite, without colours and width")


Asked = Annotated[ChartQuery, Query()]


def chart_routes(pages: Mapping[str, Charts]) -> APIRouter:
    """Serves the charts of each page under its name."""
    router = APIRouter(prefix="/api/v1/charts")

    def chart(page: str, name: str, wanted: ChartQuery) -> Chart:
        if page not in pages:
            raise HTTPException(404, f"there is no page {page}; there are: {', '.join(pages)}")
        found = wanted.of(pages[page])
        if name not in found:
            raise HTTPException(404, f"there is no chart {name}; there are: {', '.join(found) or 'none'}")
        return found[name]

    @router.get("/{page}/{name}.csv", response_class=Response, responses=_FILE)
    def as_csv(page: Page, name: Name, wanted: Asked) -> Response:
        found = chart(page, name, wanted)
        return Response(found.table.csv(), media_type="text/csv; charset=utf-8", headers=_attached(page, name, "csv"))

    @router.get("/{page}/{name}.png", response_class=Response, responses=_FILE | {501: {"description": "no pictures"}})
    def as_png(page: Page, name: Name, wanted: Asked) -> Response:
        found = chart(page, name, wanted)
        try:
            return Response(png(found), media_type="image/png", headers=_attached(page, name, "png"))
        except ConfigurationError as error:
            raise HTTPException(501, str(error)) from None

    @router.get("/{page}/{name}", responses={404: _FILE[404]})
    def as_json(page: Page, name: Name, wanted: Asked) -> ChartOut:
        found = chart(page, name, wanted)
        return ChartOut(
            title=found.title,
            measure=found.measure,
            scope=found.scope,
            note=found.note,
            columns=[ColumnOut(**asdict(column)) for column in found.table.columns],
            rows=[list(row) for row in found.table.rows],
            spec=found.spec,
        )

    return router


def _attached(page: str, name: str, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{page}-{name}.{ending}"'}
