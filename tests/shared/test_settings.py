"""Settings are read once, and complaints about them can be acted on."""

from decimal import Decimal
from pathlib import Path

import pytest

from shared.hosts import is_loopback
from shared.operations import BY_VARIANT
from shared.setting_types import Rate
from shared.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide whatever this machine has set."""
    for name in (*Settings.model_fields, "api_key", "stability_api_key"):
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Give the path of a `.env` that is not there yet."""
    return tmp_path / ".env"


def test_defaults_need_nothing_at_all(env_file: Path) -> None:
    settings = load_settings(env_file)

    assert (settings.host, settings.port, settings.flower_port) == ("127.0.0.1", 5000, 5555)
    assert settings.provider_rate == Rate(150, 10)
    assert (settings.max_attempts, settings.retry_unknown_outcome) == (5, 1)
    assert settings.retry_unknown_max_credits == 10
    assert settings.job_deadline_seconds == 86_400
    assert settings.storage_url == "saved_images"
    assert settings.price_overrides == {}


def test_without_a_key_pictures_come_from_the_sandbox() -> None:
    settings = load_settings(None)

    assert settings.sandbox
    assert settings.provider_url == "http://127.0.0.1:8900"
    assert settings.provider_key == "sk-sandbox"


@pytest.mark.parametrize("name", ["API_KEY", "STABILITY_API_KEY"])
def test_with_a_key_of_either_name_they_come_from_the_provider(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "sk-1")

    settings = load_settings(None)

    assert not settings.sandbox
    assert settings.provider_url == "https://api.stability.ai"
    assert settings.provider_key == "sk-1"


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    env_file.write_text("PORT=7000\nFLOWER_PORT=7001\n")
    monkeypatch.setenv("PORT", "8000")

    settings = load_settings(env_file)

    assert (settings.port, settings.flower_port) == (8000, 7001)


def test_an_empty_value_of_the_environment_beats_the_file_too(
    monkeypatch: pytest.MonkeyPatch, env_file: Path
) -> None:
    env_file.write_text("STABILITY_API_KEY=sk-file\n")
    monkeypatch.setenv("API_KEY", "")

    assert load_settings(env_file).sandbox


def test_the_environment_beats_the_file_by_the_other_name_too(
    monkeypatch: pytest.MonkeyPatch, env_file: Path
) -> None:
    env_file.write_text("API_KEY=sk-file\n")
    monkeypatch.setenv("STABILITY_API_KEY", "sk-environment")

    assert load_settings(env_file).provider_key == "sk-environment"


@pytest.mark.parametrize(
    "name", ["PORT", "API_KEY", "PROVIDER_RATE", "PRICES", "REDIS_URL", "HOST"]
)
def test_an_empty_value_means_unset(
    monkeypatch: pytest.MonkeyPatch, env_file: Path, name: str
) -> None:
    env_file.write_text(f"{name}=\n")
    monkeypatch.setenv(name, "")

    assert load_settings(env_file) == load_settings(None)


def test_an_empty_key_does_not_hide_the_other_name(
    monkeypatch: pytest.MonkeyPatch, env_file: Path
) -> None:
    env_file.write_text("API_KEY=\n")
    monkeypatch.setenv("STABILITY_API_KEY", "sk-1")

    assert load_settings(env_file).provider_key == "sk-1"


def test_what_is_not_ours_is_let_be(env_file: Path) -> None:
    env_file.write_text("SOMEBODY_ELSES=1\n")

    assert load_settings(env_file) == load_settings(None)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "abc", "valid integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("FLOWER_PORT", "1.5", "valid integer"),
        ("STABILITY_API_HOST", "api.stability.ai", "must be an http or https URL"),
        ("STABILITY_API_HOST", "https://user@host", "must be an http or https URL"),
        ("SANDBOX_URL", "http://host/?a=b", "must be an http or https URL"),
        ("PUBLIC_BASE_URL", "ftp://host", "must be an http or https URL"),
        ("OPERATOR_AUTH", "admin", "must be user:password"),
        ("OPERATOR_AUTH", ":secret", "must be user:password"),
        ("OPERATOR_AUTH", "admin:", "must be user:password"),
        ("REDIS_URL", "localhost:6379", "must be a redis:// or rediss:// URL"),
        (
            "STORAGE_URL",
            "ftp://bucket",
            "must be a folder, file:///folder, s3://bucket/prefix, gs:",
        ),
        ("STORAGE_URL", "S3://bucket", "must be a folder, file:///folder, s3://bucket/prefix, gs:"),
        ("STORAGE_URL", "file://relative", "must be a folder, file:///folder, s3://bucket/prefix"),
        ("STORAGE_URL", "s3://", "must name a bucket of 3 to 63 small letters"),
        ("STORAGE_URL", "gs:///prefix", "must name a bucket of 3 to 63 small letters"),
        ("STORAGE_URL", "az://My_Pictures", "must name a bucket of 3 to 63 small letters"),
        ("STORAGE_URL", "s3://key:secret@bucket", "must name a bucket of 3 to 63 small letters"),
        ("STORAGE_URL", "s3://bucket/../other", "must have a prefix of letters, digits"),
        ("STORAGE_URL", "s3://bucket//a", "must have a prefix of letters, digits"),
        ("STORAGE_URL", "s3://bucket/a?b=c", "must have a prefix of letters, digits"),
        (
            "SIGNED_REDIRECT",
            "true",
            "SIGNED_REDIRECT sends callers to a bucket, and STORAGE_URL is",
        ),
        ("ALLOW_ANONYMOUS", "perhaps", "valid boolean"),
        ("MAX_WAIT_SECONDS", "-1", "greater than or equal to 0"),
        ("MAX_WAIT_SECONDS", "nan", "should be"),
        ("DEFAULT_WAIT_SECONDS", "inf", "should be"),
        ("UPSCALE_MAX_SIDE", "1537", "less than or equal to 1536"),
        ("MAX_UPLOAD_BYTES", "10485761", "less than or equal to"),
        ("PROVIDER_RATE", "150", "must be calls/seconds, as 150/10s"),
        ("PROVIDER_RATE", "0/10s", "must be calls/seconds, as 150/10s"),
        ("PROVIDER_RATE", "150/0s", "must be calls/seconds, as 150/10s"),
        ("PROVIDER_RATE", "150/10m", "must be calls/seconds, as 150/10s"),
        ("PROVIDER_TIMEOUT_SECONDS", "0", "greater than 0"),
        ("RETRY_UNKNOWN_MAX_CREDITS", "-1", "greater than or equal to 0"),
        ("RETRY_UNKNOWN_MAX_CREDITS", "NaN", "finite"),
        ("JOB_DEADLINE_SECONDS", "0", "greater than or equal to 1"),
        ("PRICES", "core=3", "must be JSON"),
        ("PRICES", "[3]", "valid dictionary"),
        ("PRICES", '{"sdxl": 3}', "knows no 'sdxl'"),
        ("PRICES", '{"core": -1}', "credits from 0 to 100000"),
        ("PRICES", '{"core": 100001}', "credits from 0 to 100000"),
        ("PRICES", '{"core": "free"}', "valid decimal"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
    ],
)
def test_a_bad_value_is_named_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=complaint) as caught:
        load_settings(None)

    assert str(caught.value).startswith(name)


def test_two_faults_give_one_message_with_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("PROVIDER_RATE", "fast")

    with pytest.raises(SettingsError) as caught:
        load_settings(None)

    assert [part.split()[0] for part in str(caught.value).split("; ")] == ["PORT", "PROVIDER_RATE"]


@pytest.mark.parametrize("name", ["API_KEY", "STABILITY_API_KEY"])
def test_secrets_show_nowhere(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "sk-hidden")
    monkeypatch.setenv("OPERATOR_AUTH", "admin:hidden")
    monkeypatch.setenv("REDIS_URL", "redis://:hidden@127.0.0.1/0")

    settings = load_settings(None)

    assert "hidden" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.required_redis_url == "redis://:hidden@127.0.0.1/0"


@pytest.mark.parametrize("name", ["OPERATOR_AUTH", "REDIS_URL"])
def test_a_secret_that_is_wrong_is_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hidden")

    with pytest.raises(SettingsError) as caught:
        load_settings(None)

    assert name in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("150/10s", Rate(150, 10)), ("150/10", Rate(150, 10)), (" 1 / 60 s ", Rate(1, 60))],
)
def test_a_rate_is_calls_per_seconds(text: str, rate: Rate) -> None:
    assert load_settings(None, provider_rate=text).provider_rate == rate


@pytest.mark.parametrize(
    ("text", "folder"),
    [("pictures", "pictures"), ("/var/p", "/var/p"), ("file:///var/p", "/var/p"), ("a b", "a b")],
)
def test_storage_is_a_folder(text: str, folder: str) -> None:
    assert load_settings(None, storage_url=text).storage_url == folder


def test_prices_are_thousandths_of_a_credit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICES", '{"core": 3, "sd3.5-large": 6.5, "fast": 0, "ultra": "0.001"}')

    settings = load_settings(None)

    assert settings.prices["sd3.5-large"] == Decimal("6.5")
    assert settings.price_overrides == {"core": 3_000, "sd3.5-large": 6_500, "fast": 0, "ultra": 1}


def test_an_unknown_price_is_told_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICES", '{"sdxl": 1}')

    with pytest.raises(SettingsError, match=", ".join(BY_VARIANT)):
        load_settings(None)


@pytest.mark.parametrize("url", ["https://images.example.com/", "http://h:8080/at/"])
def test_a_slash_at_the_end_of_an_address_does_no_harm(url: str) -> None:
    settings = load_settings(None, public_base_url=url, allow_anonymous=True)

    assert settings.public_base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "0.0.0.0"),  # noqa: S104 - what is refused here
        ("HOST", "::"),
        ("HOST", "192.168.0.7"),
        ("HOST", "example.com"),
        ("PUBLIC_BASE_URL", "https://images.example.com"),
    ],
)
def test_the_service_is_not_opened_to_the_world_by_accident(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=f"^{name} .*ALLOW_ANONYMOUS=true"):
        load_settings(None)

    monkeypatch.setenv("ALLOW_ANONYMOUS", "true")
    assert load_settings(None).allow_anonymous


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_alone_needs_no_leave(host: str) -> None:
    assert is_loopback(host)
    assert load_settings(None, host=host).host == host


def test_a_part_without_a_server_says_what_it_needs() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL is not set"):
        _ = load_settings(None).required_redis_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"host": "::1", "port": 7}, "http://[::1]:7"),
        ({"public_base_url": "https://i.example/", "allow_anonymous": True}, "https://i.example"),
    ],
)
def test_its_own_address_is_told_by_settings_alone(given: dict[str, object], url: str) -> None:
    assert load_settings(None, **given).own_url == url
