"""Prometheus's own tool reads the rules, and lets each alert fire when it should and in the words that it should."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "config" / "prometheus-rules.yaml"
WELL = {
    "firsthour_ready": "1x60",
    'firsthour_part_ok{part="slack"}': "1x60",
    'firsthour_source_ok{source="x"}': "1x60",
    'firsthour_source_lag_seconds{source="x"}': "1900x60",
    'firsthour_source_interval_seconds{source="x"}': "600x60",
    "firsthour_judging_lag_seconds": "20x60",
    "firsthour_mentions_waiting": "40x60",
    "firsthour_verdicts_total": "0+50x60",
    "firsthour_mentions_parked": "0x60",
    "firsthour_delivering_lag_seconds": "3x60",
    "firsthour_deliveries_failed_past_day": "0x60",
    "firsthour_clocks_late": "0x60",
    "firsthour_cases_without_owner": "10x60",
    'firsthour_budget_spent{source="x",budget="units"}': "80x60",
    'firsthour_budget_limit{source="x",budget="units"}': "100x60",
}
ILL: dict[str, tuple[dict[str, str | None], str]] = {
    "FirsthourAway": ({"firsthour_ready": None}, "Nobody knows how firsthour is doing"),
    "FirsthourDoesNotWork": ({"firsthour_ready": "0x60"}, "firsthour does not do its work"),
    "FirsthourPartFails": ({'firsthour_part_ok{part="slack"}': "0x60"}, "firsthour: slack does not work"),
    "FirsthourSourceFails": ({'firsthour_source_ok{source="x"}': "0x60"}, "x cannot be read"),
    "FirsthourSourceBehind": (
        {'firsthour_source_lag_seconds{source="x"}': "3600x60"},
        "x was last read 1h 0m 0s ago",
    ),
    "FirsthourJudgingBehind": (
        {"firsthour_judging_lag_seconds": "301x60"},
        "Complaints wait to be recognised for 5m 1s",
    ),
    "FirsthourJudgingStopped": ({"firsthour_verdicts_total": "7x60"}, "40 mentions wait, and nothing is judged"),
    "FirsthourMentionsParked": ({"firsthour_mentions_parked": "2x60"}, "2 mentions could not be judged"),
    "FirsthourDeliveringBehind": (
        {"firsthour_delivering_lag_seconds": "180x60"},
        "Alerts do not reach the team for 3m 0s",
    ),
    "FirsthourDeliveriesGivenUp": (
        {"firsthour_deliveries_failed_past_day": "1x60"},
        "1 messages of the past day were refused for good",
    ),
    "FirsthourCasesLate": ({"firsthour_clocks_late": "3x60"}, "3 customers wait for longer than promised"),
    "FirsthourNobodyTakes": (
        {"firsthour_cases_without_owner": "11x60"},
        "11 cases with a running clock have nobody",
    ),
    "FirsthourBudgetNearlySpent": (
        {'firsthour_budget_spent{source="x",budget="units"}': "95x60"},
        "x has spent 95% of its units",
    ),
}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool, of Debian's package prometheus")
    return found


def group(name: str, series: dict[str, str | None], fires: str | None = None, summary: str = "") -> dict[str, Any]:
    """One world in which exactly `fires` is heard after an hour, or nothing."""
    given = [{"series": _of_job(each), "values": values} for each, values in series.items() if values]
    tests = [
        {"eval_time": "1h", "alertname": alert, "exp_alerts": [told(alert, series, summary)] if alert == fires else []}
        for alert in ILL
    ]
    return {"name": name, "interval": "1m", "input_series": given, "alert_rule_test": tests}


def _of_job(series: str) -> str:
    return series.replace("{", '{job="firsthour",') if "{" in series else series + '{job="firsthour"}'


def told(alert: str, series: dict[str, str | None], summary: str) -> dict[str, Any]:
    (rules,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rule = next(rule for rule in rules["rules"] if rule["alert"] == alert)
    changed = next(iter(ILL[alert][0]))
    labels = dict(re.findall(r'(\w+)="(\w+)"', changed))
    mend = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], rule["annotations"]["description"])
    labels |= {"severity": rule["labels"]["severity"]} | ({} if alert == "FirsthourAway" else {"job": "firsthour"})
    return {"exp_labels": labels, "exp_annotations": {"summary": summary, "description": mend}}


def test_the_rules_are_ones_that_prometheus_takes(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ILL)} rules found" in done.stdout


def test_each_alert_fires_when_it_should_and_says_it_well(promtool: str, tmp_path: Path) -> None:
    worlds = [group("all is well", dict(WELL))]
    worlds += [group(alert, {**WELL, **changed}, alert, summary) for alert, (changed, summary) in ILL.items()]
    asked = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": worlds}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(asked), encoding="utf-8")
    done = subprocess.run([promtool, "test", "rules", str(tmp_path / "tests.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
