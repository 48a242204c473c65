"""Each setting that is allowed and weak is told, once, in a sentence without a secret."""

import pytest

from shared.settings import load_settings
from shared.weaknesses import weaknesses

EVERYWHERE = "0.0.0.0"  # noqa: S104 - an address to be refused, or inside a container

KEY = "sk-recognisable"


def told(**given: object) -> list[str]:
    """Return what is said of these settings."""
    return weaknesses(load_settings(None, **given))


def test_there_is_nothing_to_say_about_the_defaults() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"allow_anonymous": True, "operator_auth": "boss:a long password"}, ["ALLOW_ANONYMOUS"]),
        ({"allow_anonymous": True}, ["ALLOW_ANONYMOUS", "OPERATOR_AUTH is not set: /operator"]),
        (
            {"allow_anonymous": True, "host": EVERYWHERE},
            ["ALLOW_ANONYMOUS", "Flower listens on loopback only"],
        ),
        ({"host": EVERYWHERE, "published_on_loopback": True}, ["PUBLISHED_ON_LOOPBACK"]),
        (
            {"host": EVERYWHERE, "published_on_loopback": True, "client_keys": f"a:{'k' * 32}"},
            ["OPERATOR_AUTH"],
        ),
        ({"operator_auth": "boss:12345678901"}, ["OPERATOR_AUTH has a password of less than 12"]),
        ({"operator_auth": "boss:123456789012"}, []),
        ({"api_key": KEY}, ["CREDITS_PER_DAY is not set"]),
        ({"api_key": KEY, "credits_per_day": 100}, []),
        (
            {"api_key": KEY, "credits_per_day": 1, "stability_api_host": "http://p.example"},
            ["key can"],
        ),
        ({"fetch_allow_private": True}, ["FETCH_ALLOW_PRIVATE"]),
        ({"webhook_allow_private": True}, ["WEBHOOK_ALLOW_PRIVATE"]),
        (
            {
                "public_base_url": "http://img.example",
                "allow_anonymous": True,
                "operator_auth": "boss:a long password",
            },
            ["ALLOW_ANONYMOUS", "PUBLIC_BASE_URL is http://"],
        ),
        ({"cors_origins": "http://localhost:3000,https://app.example"}, []),
        ({"cors_origins": "http://app.example"}, ["CORS_ORIGINS names http://app.example"]),
        ({"redis_url": "redis://127.0.0.1:6379/0"}, []),
        ({"redis_url": "redis://redis:6379/0"}, ["REDIS_URL has no password"]),
        ({"redis_url": "redis://:hunter2@redis:6379/0"}, []),
        ({"redis_url": "redis://redis:6379/0?password=hunter2"}, []),
        ({"redis_url": "redis://:hunter2@redis.example:6379/0"}, ["REDIS_URL is redis://"]),
        ({"redis_url": "redis://:hunter2@10.0.0.5:6379/0"}, []),
        ({"redis_url": "rediss://:hunter2@redis.example:6379/0"}, []),
        (
            {"redis_url": "rediss://:hunter2@redis.example:6379/0?ssl_cert_reqs=none"},
            ["REDIS_URL asks for no certificate"],
        ),
    ],
    ids=str,
)
def test_a_weak_setting_is_told(given: dict[str, object], words: list[str]) -> None:
    found = told(**given)

    assert len(found) == len(words), found
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))
    assert not [secret for secret in ("hunter2", KEY, "12345678901") if secret in str(found)]


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({}, "127.0.0.1"),
        ({"host": EVERYWHERE, "allow_anonymous": True}, "127.0.0.1"),
        ({"host": "192.168.1.5", "allow_anonymous": True}, "127.0.0.1"),
        ({"host": "192.168.1.5", "allow_anonymous": True, "operator_auth": "a:b"}, "192.168.1.5"),
        ({"host": EVERYWHERE, "published_on_loopback": True}, EVERYWHERE),
    ],
    ids=str,
)
def test_flower_is_open_to_nobody_else_without_a_password(
    given: dict[str, object], host: str
) -> None:
    assert load_settings(None, **given).flower_host == host
