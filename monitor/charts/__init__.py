"""Charts as Vega-Lite specs: the same for the pages, for pictures and for the digest."""

from monitor.charts.chart import Chart, Column, Kind, Table
from monitor.charts.theme import DARK, LIGHT, config

__all__ = ["DARK", "LIGHT", "Chart", "Column", "Kind", "Table", "config"]
