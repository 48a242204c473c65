"""Client keys as they are set, as they are found, and what is said about those that can't be."""

import base64
import hashlib
import hmac

import pytest

from shared.client_keys import (
    ClientKey,
    find_owner,
    new_key,
    setting_of,
    webhook_secret_of,
)
from shared.settings import Settings, SettingsError, load_settings

ALICE, BOB = "alice-has-this-key", "bob-has-that-key"
HASHED = f"sha256:{hashlib.sha256(ALICE.encode()).hexdigest()}"
KEYS = f"alice:{HASHED},bob:{BOB}"


def settings(keys: str, **more: str) -> Settings:
    """Return the settings of a service with these keys."""
    return load_settings(None, client_keys=keys, **more)


@pytest.mark.parametrize("keys", [KEYS, KEYS.upper().lower(), f" {KEYS} , ", f"{KEYS},"])
def test_a_key_is_found_by_what_is_presented(keys: str) -> None:
    known = settings(keys).client_keys

    assert [key.name for key in known] == ["alice", "bob"]
    assert find_owner(ALICE, known) == "alice"
    assert find_owner(BOB, known) == "bob"


@pytest.mark.parametrize("wrong", ["", "alice", ALICE[:-1], ALICE + " ", HASHED, "clé\udcff"])
def test_anything_else_is_nobodys(wrong: str) -> None:
    assert find_owner(wrong, settings(KEYS).client_keys) is None


def test_every_key_is_looked_at_whichever_it_is() -> None:
    looked: list[str] = []

    class Seen(ClientKey):
        def __getattribute__(self, name: str) -> object:
            if name == "digest":
                looked.append(str(object.__getattribute__(self, "name")))
            return object.__getattribute__(self, name)

    keys = [Seen(key.name, key.digest) for key in settings(KEYS).client_keys]
    find_owner(ALICE, keys)

    assert looked == ["alice", "bob"]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (" , ", "must be name:key,name:key"),
        ("tell-nobody-this", "entry 1 has no colon"),
        (f"alice:{ALICE},tell-nobody-this", "entry 2 has no colon"),
        ("tell nobody:this-secret", "entry 1 does not"),
        (":tell-nobody-this", "entry 1 does not"),
        ("*:tell-nobody-this", "entry 1 does not"),
        ("x" * 33 + ":tell-nobody-this", "entry 1 does not"),
        ("alice:", "letters, digits and signs; alice's is not one"),
        ("alice:tell nobody", "letters, digits and signs; alice's is not one"),
        (
            "alice:secret7",
            "at least 8 characters; alice's is shorter (`make key NAME=alice` makes one)",
        ),
        ("alice:sha256:tell-nobody-this", "64 hex digits behind sha256:; alice's key has not"),
        (f"alice:{ALICE},Alice:{BOB}", "must name each key once; Alice comes twice"),
        (f"alice:{HASHED},bob:{ALICE}", "alice and bob share one"),
    ],
)
def test_what_can_not_be_a_key_is_told_without_telling_it(value: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(value)

    told = str(raised.value)
    assert told.startswith("CLIENT_KEYS must ")
    assert complaint in told
    assert not [secret for secret in ("nobody", "secret7", ALICE, BOB) if secret in told]


def test_no_key_shows_in_what_is_printed_of_the_settings() -> None:
    told = repr(settings(KEYS)) + str(settings(KEYS).client_keys)

    assert "alice" in told
    assert not [secret for secret in (ALICE, BOB, HASHED[7:]) if secret in told]


@pytest.mark.parametrize("opened", [{"host": "0.0.0.0"}, {"public_base_url": "https://a.example"}])  # noqa: S104
def test_with_keys_the_service_may_be_reached_from_elsewhere(opened: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"CLIENT_KEYS.*ALLOW_ANONYMOUS"):
        load_settings(None, **opened)

    assert settings(KEYS, **opened).client_keys


def test_a_fresh_key_is_known_by_the_line_that_is_printed_for_it() -> None:
    key = new_key()

    line = setting_of("carol", key)

    assert key not in line
    assert find_owner(key, settings(f"{KEYS},{line}").client_keys) == "carol"
    assert new_key() != key


def test_every_key_has_a_webhook_secret_of_its_own() -> None:
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()

    derived = hmac.new(secret.encode(), b"alice", hashlib.sha256).digest()

    assert webhook_secret_of("alice", secret) == "whsec_" + base64.b64encode(derived).decode()
    assert webhook_secret_of("bob", secret) != webhook_secret_of("alice", secret)
    assert webhook_secret_of("", secret) == secret
