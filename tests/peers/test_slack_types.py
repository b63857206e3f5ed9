"""The JSON schema by which every message of the tests is checked is what Slack's own types say."""

from __future__ import annotations

import json
import subprocess

import pytest

from peers.npm import installed
from tests.slack_rules import TYPES

TYPES_OF_SLACK, GENERATOR = "@slack/types@3.2.0", "ts-json-schema-generator@2.4.0"
WANTED = """
import type { HomeView, KnownBlock, MessageMetadata, ModalView } from "@slack/types";
export interface Message { text: string; blocks?: KnownBlock[]; metadata?: MessageMetadata }
export type Modal = ModalView;
export type Home = HomeView;
"""


@pytest.mark.slow
@pytest.mark.xdist_group("npm")
def test_the_schema_is_made_from_slacks_types(request: pytest.FixtureRequest) -> None:
    place = installed(request.config.cache, TYPES_OF_SLACK, GENERATOR)
    (place / "slack.ts").write_text(WANTED, encoding="utf-8")
    options = {"strict": True, "moduleResolution": "node", "skipLibCheck": True, "target": "es2020"}
    (place / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["slack.ts"]}))
    command = ["node", "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"]
    command += ["-p", "slack.ts", "-f", "tsconfig.json", "-j", "none"]
    made = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120, check=True).stdout
    kept = json.loads(TYPES.read_text(encoding="utf-8"))
    licence = (place / "node_modules/@slack/types/LICENSE").read_text(encoding="utf-8")
    assert kept["$comment"].endswith("\n".join(row for row in licence.splitlines() if row))
    assert kept["definitions"] == json.loads(made)["definitions"]
