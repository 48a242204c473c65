"""`KEY_LIMITS`: what is set for one key, for all, and what is said about what can't be set."""

import pytest

from shared.limits import Limits
from shared.settings import Settings, SettingsError, load_settings

KEYS = "alice:alice-has-this-key,bob:bob-has-that-key"
ALL = '"*": {"requests_per_minute": 60, "queued": 500, "running": 50, "credits_per_day": 0.5}'


def settings(limits: str, keys: str = KEYS) -> Settings:
    """Return the settings of a service with these limits."""
    return load_settings(None, client_keys=keys, key_limits=limits)


def test_who_is_not_named_has_the_limits_of_all() -> None:
    limits = settings(f"{{{ALL}}}").limits

    assert limits.of("bob") == Limits(60, 500, 50, 500)
    assert limits.of("gone since") == limits.of("") == limits.of("bob")


def test_who_is_named_has_its_own_and_else_those_of_all() -> None:
    limits = settings(f'{{{ALL}, "alice": {{"queued": 5, "running": null}}}}').limits

    assert limits.of("alice") == Limits(60, 5, None, 500)
    assert limits.running == '{"*": 50, "alice": -1}'


@pytest.mark.parametrize("told", ["", "{}", '{"alice": {}}', '{"*": {"queued": 5}}'])
def test_what_is_not_set_is_no_limit(told: str) -> None:
    limits = settings(told).limits if told else load_settings(None, client_keys=KEYS).limits

    assert limits.of("alice").running is None
    assert limits.running == ""


def test_without_keys_there_is_only_everybody() -> None:
    assert load_settings(None, key_limits=f"{{{ALL}}}").limits.of("").queued == 500
    with pytest.raises(SettingsError, match="KEY_LIMITS names 'alice', which is no key"):
        load_settings(None, key_limits='{"alice": {}}')


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("alice=5", 'KEY_LIMITS must be JSON, as {"*": {"requests_per_minute": 60'),
        ("[]", "KEY_LIMITS should be a valid dictionary"),
        ('{"alice": 5}', "KEY_LIMITS.alice should be a valid dictionary"),
        (
            '{"carol": {}}',
            "KEY_LIMITS names 'carol', which is no key of CLIENT_KEYS; the names are *,",
        ),
        (
            '{"*": {"per_minute": 5}}',
            "KEY_LIMITS.* knows no 'per_minute'; the limits are requests_per",
        ),
        ('{"*": {"running": 0}}', "KEY_LIMITS.*.running should be greater than or equal to 1"),
        ('{"*": {"queued": -1}}', "KEY_LIMITS.*.queued should be greater than or equal to 0"),
        ('{"*": {"queued": true}}', "KEY_LIMITS.*.queued should be a valid integer"),
        ('{"*": {"queued": "5"}}', "KEY_LIMITS.*.queued should be a valid integer"),
        ('{"*": {"requests_per_minute": 0}}', "should be greater than or equal to 1"),
        ('{"*": {"credits_per_day": -1}}', "should be greater than or equal to 0"),
    ],
)
def test_what_can_not_be_a_limit_is_told_by_name(told: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(told)

    assert complaint in str(raised.value)
