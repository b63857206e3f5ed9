from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import reference
from monitor.settings import BadSettings, Settings, duration, duration_text, load, parse

ROOT = Path(__file__).parent.parent


def mistakes(raw: dict[str, object], environment: dict[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(BadSettings) as caught:
        parse(raw, environment or {})
    return {m.key: str(m) for m in caught.value.mistakes}


def test_every_mistake_is_listed_at_once_with_its_key_and_a_hint() -> None:
    found = mistakes(
        {
            "databse": {"url": "x"},
            "slack": {"chanel": "C1"},
            "clock": {"target": "soon", "timezone": "Europe/Talinn", "hours": ["mon-fri 9 to 5"]},
            "web": {"bind": "0.0.0.0:80"},
            "sources": [{"name": "news", "type": "rss", "url": "https://example.com/feed", "every": "5 minutes"}],
        }
    )
    assert set(found) == {
        "databse",
        "slack.chanel",
        "clock.target",
        "clock.timezone",
        "clock.hours",
        "web.bind",
        "sources.news.every",
    }
    assert 'did you mean "database"?' in found["databse"]
    assert 'did you mean "channel"?' in found["slack.chanel"]
    assert 'did you mean "Europe/Tallinn"?' in found["clock.timezone"]
    assert '"20m"' in found["clock.target"]


def test_mistakes_in_sources_and_brands_are_listed_together() -> None:
    found = mistakes(
        {
            "brands": [{"name": "Acme", "match": "(acme OR"}],
            "sources": [
                {"name": "a", "type": "rsss", "url": "https://example.com"},
                {"name": "b", "type": "replay", "pth": "x.jsonl"},
            ],
        }
    )
    assert set(found) == {"brands.Acme.match", "sources.a.type", "sources.b.pth", "sources.b.path"}
    assert 'did you mean "rss"?' in found["sources.a.type"]
    assert 'did you mean "path"?' in found["sources.b.pth"]
    assert "is missing" in found["sources.b.path"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"brands": [{"name": "A", "match": "a"}, {"name": "A", "match": "b"}]}, "used twice"),
        (
            {
                "brands": [{"name": "Acme", "match": "a"}],
                "sources": [{"name": "s", "type": "replay", "path": "x", "brands": ["Acne"]}],
            },
            'did you mean "Acme"?',
        ),
    ],
)
def test_names_must_be_unique_and_known(raw: dict[str, object], words: str) -> None:
    assert words in " ".join(mistakes(raw).values())


def test_a_mistake_in_one_section_hides_none_in_another() -> None:
    found = mistakes(
        {
            "database": {"url": "sqllite:////tmp/x"},
            "brands": [{"name": "Acme", "match": "(acme OR"}, {"name": "Acme", "match": "b"}, {"name": "None"}],
            "sources": [
                {"name": "a", "type": "rsss"},
                {"name": "b", "type": "replay", "pth": "x", "every": "0s", "brands": ["Acne"]},
                {"name": "c", "type": "replay", "path": "x"},
                {"name": "c", "type": "replay", "path": "y"},
            ],
            "slack": {"base_url": "nonsense"},
            "clock": {"target": "0s", "policies": [{"name": "p", "severity": ["hihg"]}]},
        }
    )
    assert set(found) == {
        "database.url",
        "brands.Acme.match",
        "brands.Acme.name",
        "brands.None.match",
        "sources.a.type",
        "sources.b.pth",
        "sources.b.path",
        "sources.b.every",
        "sources.b.brands",
        "sources.c.name",
        "slack.base_url",
        "clock.target",
        "clock.policies.p.severity",
    }
    assert 'did you mean "Acme"?' in found["sources.b.brands"]
    assert "low, medium, high, critical" in found["clock.policies.p.severity"]


def test_tables_of_the_wrong_shape_are_a_mistake_too() -> None:
    environment = {"FIRSTHOUR_SOURCES__NEWS__URL": "https://example.com"}
    assert set(mistakes({"sources": {"x": 1}, "brands": [1], "slack": 3}, environment)) == {
        "FIRSTHOUR_SOURCES__NEWS__URL",
        "sources",
        "brands.0",
        "slack",
    }


def test_the_environment_overrides_the_file_and_a_secret_file_overrides_both(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("xoxb-from-file\n")
    settings = parse(
        {"slack": {"channel": "C1", "bot_token": "xoxb-in-toml"}},
        {
            "FIRSTHOUR_SLACK__CHANNEL": "C2",
            "FIRSTHOUR_SLACK__BOT_TOKEN": "xoxb-in-env",
            "FIRSTHOUR_SLACK__BOT_TOKEN_FILE": str(token),
            "FIRSTHOUR_CONFIG": "ignored",
            "UNRELATED": "x",
        },
    )
    assert settings.slack.channel == "C2"
    assert settings.slack.bot_token is not None
    assert settings.slack.bot_token.get_secret_value() == "xoxb-from-file"


def test_a_source_can_be_given_its_secret_by_the_environment(tmp_path: Path) -> None:
    raw = {"sources": [{"name": "my-shop", "type": "replay", "path": "a"}]}
    settings = parse(raw, {"FIRSTHOUR_SOURCES__MY_SHOP__PATH": "/b"})
    assert settings.sources[0].options["path"] == "/b"
    assert "no source named" in " ".join(mistakes({}, {"FIRSTHOUR_SOURCES__OTHER__PATH": "/b"}).values())


def test_a_secret_file_that_cannot_be_read_is_a_mistake_of_its_own(tmp_path: Path) -> None:
    found = mistakes({}, {"FIRSTHOUR_SLACK__BOT_TOKEN_FILE": str(tmp_path / "none")})
    assert "cannot be read" in found["FIRSTHOUR_SLACK__BOT_TOKEN_FILE"]
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    found = mistakes({}, {"FIRSTHOUR_SLACK__BOT_TOKEN_FILE": str(tmp_path / "bytes")})
    assert "no UTF-8 text" in found["FIRSTHOUR_SLACK__BOT_TOKEN_FILE"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"[slack", "not valid TOML"), (b"\xff\xfe\x00", "not valid TOML"), (None, "no such file")],
)
def test_a_file_that_is_no_toml_is_one_clear_line(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "firsthour.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSettings, match=words):
        load(path, {})


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "firsthour.toml"
    path.write_bytes(b'\xef\xbb\xbf[clock]\r\ntarget = "30m"\r\n')
    assert load(path, {}).clock.target == timedelta(minutes=30)


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        load(tmp_path, {})


def test_no_secret_shows_in_a_mistake() -> None:
    found = mistakes({"slack": {"bot_token": ["xoxb-secret-value"]}})
    assert "secret-value" not in " ".join(found.values())


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_a_duration_written_out_reads_back_the_same(span: timedelta) -> None:
    whole = timedelta(seconds=int(span.total_seconds()))
    assert duration(duration_text(whole)) == whole


def test_the_example_configuration_is_valid() -> None:
    settings = load(ROOT / "config" / "firsthour.example.toml", {})
    assert settings.brands
    assert settings.sources


def test_what_the_example_configuration_leaves_to_choose_is_valid_too(tmp_path: Path) -> None:
    text = (ROOT / "config" / "firsthour.example.toml").read_text(encoding="utf-8")
    before, marker, optional = text.partition("# What follows is optional;")
    assert marker
    head, _, rest = optional.partition("\n")
    lines = [line.removeprefix("# ") if re.match(r"# (\[|\w+ = )", line) else line for line in rest.splitlines()]
    path = tmp_path / "chosen.toml"
    path.write_text(before + marker + head + "\n" + "\n".join(lines), encoding="utf-8")
    chosen = load(path, {})
    assert (len(chosen.slack.routes), len(chosen.oncall), len(chosen.templates)) == (1, 2, 2)
    assert (chosen.vip.followers, chosen.storms.minimum) == (50_000, 8)
    assert chosen.after.ask_solved == timedelta(days=1)


def test_the_reference_names_every_setting_and_describes_it() -> None:
    page = reference.markdown()
    for section in Settings.model_fields:
        assert f"[{section}]" in page
    undescribed = re.findall(r"^\| `(\w+)` \|.*\| *\|$", page, re.MULTILINE)
    assert undescribed == []


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == reference.markdown(), (
        "run: firsthour settings > docs/settings.md"
    )


@pytest.mark.parametrize("bind", ["0.0.0.0:8080", "192.168.1.5:80", "desk.acme.example:443", "[::]:8080"])
def test_an_address_that_others_reach_takes_a_login_and_the_name_of_the_desk(bind: str) -> None:
    assert "set up [login]" in mistakes({"web": {"bind": bind}})["web.bind"]
    open_to_all: dict[str, object] = {"web": {"bind": bind}, "login": {"local": False}}
    assert "set up [login]" in mistakes(open_to_all)["web.bind"]
    assert "such as https://desk" in mistakes({"web": {"bind": bind}, "login": {"local": True}})["web.url"]
    assert parse({"web": {"bind": bind, "url": "https://d.example"}, "login": {"local": True}}, {}).login.on
    in_environment = {"FIRSTHOUR_LOGIN__LOCAL": "false", "FIRSTHOUR_WEB__BIND": bind}
    assert "set up [login]" in mistakes({}, in_environment)["web.bind"]


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({"slack_client_id": "1", "slack_workspaces": ["T1"]}, "slack_client_secret is missing"),
        ({"slack_client_id": "1", "slack_client_secret": "s"}, "anybody with a Slack account"),
        ({"oidc_issuer": "https://id.example"}, "oidc_client_id is missing"),
        ({"oidc_issuer": "https://id.example", "oidc_client_id": "1"}, "domains is missing"),
        ({"domains": ["@acme.example"]}, "without @"),
        ({"roles": {"mari": "admin"}}, "no e-mail address"),
        ({"roles": {"mari@acme.example": "boss"}}, "viewer"),
    ],
)
def test_a_login_that_would_let_in_anybody_or_nobody_is_a_mistake(login: dict[str, object], words: str) -> None:
    assert words in " ".join(mistakes({"login": login}).values())
