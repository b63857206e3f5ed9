"""The board is one by Grafana's own types: of the board itself, and of the options of each kind of panel."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peers.npm import installed

BOARD = Path(__file__).parents[2] / "config" / "grafana-board.json"
TYPES, COMPILER = "@grafana/schema@12.4.11", "typescript@5.9.3"
OPTIONS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
OPTIONS += ["--moduleResolution", "bundler"]
# a board leaves out what has a default, and has texts and numbers where the types have enums
CHECK = """
import type { Dashboard, Panel, RowPanel } from "@grafana/schema";
import type { Options as Series, FieldConfig as Drawn } from "RAW/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type { Options as Stat } from "RAW/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as Gauge } from "RAW/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";

type Part<T> = T extends (infer E)[] ? Part<E>[] : T extends object ? { [K in keyof T]?: Part<T[K]> } : T;
type Plain<T> =
  T extends string ? `${T}` :
  T extends number ? (`${T}` extends `${infer N extends number}` ? N : never) :
  T extends (infer E)[] ? Plain<E>[] :
  T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Defaults = Omit<NonNullable<Panel["fieldConfig"]>["defaults"], "custom">;
type Of<Options, Custom = Record<string, never>> = Part<Omit<Panel, "options" | "fieldConfig" | "type">> & {
  options: Part<Options>;
  fieldConfig: { defaults: Part<Defaults> & { custom?: Part<Custom> }; overrides: unknown[] };
};
type Each =
  | (Of<Series, Drawn> & { type: "timeseries" })
  | (Of<Stat> & { type: "stat" })
  | (Of<Gauge> & { type: "bargauge" })
  | (Part<RowPanel> & { type: "row" });
export const board: Plain<Omit<Dashboard, "panels">> & { panels: Plain<Each>[] } =
""".replace("RAW", "@grafana/schema/dist/esm/raw/composable")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm")]


@pytest.fixture
def objections(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """What the compiler says of a board."""
    place = installed(request.config.cache, TYPES, COMPILER)
    (tmp_path / "node_modules").symlink_to(place / "node_modules")

    def check(board: dict[str, Any]) -> str:
        (tmp_path / "board.ts").write_text(CHECK + json.dumps(board, indent=1), encoding="utf-8")
        command = ["node", "node_modules/typescript/bin/tsc", *OPTIONS, "board.ts"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300).stdout

    return check


def test_the_board_has_nothing_that_grafana_does_not_know(objections: Callable[[dict[str, Any]], str]) -> None:
    assert objections(json.loads(BOARD.read_text(encoding="utf-8"))) == ""


def test_a_mistyped_option_is_objected_to(objections: Callable[[dict[str, Any]], str]) -> None:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    drawn = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    drawn["fieldConfig"]["defaults"]["custom"] = {"drawStyle": "lines"}
    assert '"lines"' in objections(board)
