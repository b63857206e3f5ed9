from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.settings import SourceSettings
from monitor.sharing import rest, resting, shared_keys


def keys(kind: str, **options: Any) -> frozenset[str]:
    return shared_keys(SourceSettings(name="it", type=kind, **options))


def test_sources_with_the_same_secret_share_and_others_do_not() -> None:
    one, same, other = (
        keys("x", bearer_token=token, account=name) for token, name in (("a", "x"), ("a", "y"), ("b", "x"))
    )
    assert one == same != other
    assert not one & other


def test_a_source_with_several_secrets_shares_with_whoever_has_one_of_them() -> None:
    reading = keys("x", bearer_token="a")
    answering = keys("x", bearer_token="a", access_token="t")
    assert reading < answering


def test_sources_without_secrets_share_their_host_also_where_it_is_the_default() -> None:
    assert (
        keys("rss", url="https://a.example/1.xml") == keys("rss", url="http://a.example:80/2.xml") == {"host:a.example"}
    )
    assert keys("hackernews") == keys("hackernews", queries=["acme"]) == {"host:hn.algolia.com"}
    assert keys("hackernews", base_url="http://127.0.0.1:9/") == {"host:127.0.0.1"}
    assert keys("replay", path="x.jsonl") == frozenset()


@pytest.mark.parametrize("secret", ["tok-3f9a", "x" * 5000])
def test_a_key_does_not_tell_the_secret(secret: str) -> None:
    (key,) = keys("x", bearer_token=secret)
    assert secret not in key
    assert len(key) <= 100


def test_a_rest_only_grows_longer(any_db: Database, clock: ManualClock) -> None:
    now = clock.now()
    for keys_, seconds in ((["a", "b"], 60), (["a"], 30), (["b"], 90), ([], 5)):
        with any_db.write() as session:
            rest(session, keys_, now + timedelta(seconds=seconds))
    with any_db.read() as session:
        assert resting(session) == {"a": now + timedelta(seconds=60), "b": now + timedelta(seconds=90)}
