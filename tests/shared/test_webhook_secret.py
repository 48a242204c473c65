"""WEBHOOK_SECRET is what the receivers' own library takes, or the start says what it should be."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from shared.settings import SettingsError, load_settings

SECRET = base64.b64encode(bytes(range(24))).decode()


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide whatever this machine has set."""
    for name in ("WEBHOOK_SECRET", "WEBHOOK_ALLOW_PRIVATE"):
        monkeypatch.delenv(name, raising=False)


def test_there_is_none_unless_it_is_set() -> None:
    assert load_settings(None).webhook_secret is None
    assert not load_settings(None).webhook_allow_private


@pytest.mark.parametrize("size", [24, 25, 26, 32, 64])
@pytest.mark.parametrize("prefix", ["whsec_", ""])
@pytest.mark.parametrize("padded", [True, False])
def test_a_secret_signs_as_the_library_would_by_the_same_text(
    monkeypatch: pytest.MonkeyPatch, size: int, prefix: str, padded: bool
) -> None:
    text = prefix + base64.b64encode(bytes(range(size))).decode()
    text = text if padded else text.rstrip("=")
    monkeypatch.setenv("WEBHOOK_SECRET", f" {text}\n")

    secret = load_settings(None).webhook_secret

    assert secret
    assert secret.get_secret_value().startswith("whsec_")
    now = datetime.now(UTC)
    ours, theirs = Webhook(secret.get_secret_value()), Webhook(text)
    assert ours.sign("msg_1", now, "{}") == theirs.sign("msg_1", now, "{}")


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_",
        "my-webhook-secret",
        f"whsek_{SECRET}",
        base64.b64encode(bytes(23)).decode(),
        base64.b64encode(bytes(65)).decode(),
        f"whsec_{SECRET[:-1]}é",
        f"whsec_{SECRET} {SECRET}",
        SECRET.replace("A", "_"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", secret)

    with pytest.raises(SettingsError) as told:
        load_settings(None)

    assert str(told.value).startswith("WEBHOOK_SECRET must be whsec_ and the base64 of 24 to 64")
    assert "openssl rand" in str(told.value)
    assert secret.removeprefix("whsec_") not in str(told.value) or secret == "whsec_"


def test_a_secret_never_shows() -> None:
    assert SECRET not in repr(load_settings(None, webhook_secret=f"whsec_{SECRET}"))
