"""Every setting of the service: one typed object, read once from the environment and `.env`."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from shared.buckets import Bucket, empty_names, is_bucket, read_bucket
from shared.client_keys import ClientKeys
from shared.hosts import is_loopback
from shared.limits import EVERYBODY, KeyLimits, KeyLimitSetting, key_limits, thousandths
from shared.setting_types import (
    AllowedHosts,
    CorsOrigins,
    Credits,
    Days,
    Login,
    Port,
    Prices,
    ProviderKey,
    ProviderRate,
    Rate,
    RedisUrl,
    Storage,
    Url,
    WaitSeconds,
    WebhookSecret,
)

_MEBIBYTE = 1024 * 1024
# Where `python -m sandbox` listens when it is not told otherwise.
_SANDBOX_URL = "http://127.0.0.1:8900"
_OTHER_NAMES = {"stability_api_key": "api_key"}


class SettingsError(Exception):
    """The environment or `.env` holds something this service can't start with; names all of it."""


class Settings(BaseModel):
    """What an operator may set, by the names of the environment in lower case; all have defaults."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)

    api_key: ProviderKey | None = None
    stability_api_host: Url = "https://api.stability.ai"
    sandbox_url: Url | None = None
    host: str = "127.0.0.1"
    port: Port = 5000
    flower_port: Port = 5555
    operator_auth: Login | None = None
    redis_url: RedisUrl | None = None
    data_dir: Path = Path(".data")
    storage_url: Storage = "saved_images"
    signed_redirect: bool = False
    public_base_url: Url | None = None
    client_keys: ClientKeys = ()
    key_limits: KeyLimitSetting = {}
    allow_anonymous: bool = False
    published_on_loopback: bool = False
    allowed_hosts: AllowedHosts = ()
    cors_origins: CorsOrigins = ()
    default_wait_seconds: WaitSeconds = 0
    max_wait_seconds: WaitSeconds = 120
    image_wait_seconds: WaitSeconds = 60
    upscale_max_side: Annotated[int, Field(ge=32, le=1_536)] = 512
    max_upload_bytes: Annotated[int, Field(ge=1_024, le=10 * _MEBIBYTE)] = 10 * _MEBIBYTE
    batch_max_jobs: Annotated[int, Field(ge=1, le=1_000)] = 100
    fetch_allow_private: bool = False
    webhook_allow_private: bool = False
    queue_max_jobs: Annotated[int, Field(ge=1)] = 10_000
    provider_rate: ProviderRate = Rate(150, 10)
    provider_rate_guard_ms: Annotated[int, Field(ge=0, le=60_000)] = 300
    provider_timeout_seconds: Annotated[float, Field(gt=0, le=3_600)] = 180
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    retry_unknown_outcome: Annotated[int, Field(ge=0, le=100)] = 1
    retry_unknown_max_credits: Credits = Decimal(10)
    image_ttl_days: Days = 0
    credits_per_day: Credits | None = None
    job_ttl_days: Days = 90
    job_deadline_seconds: Annotated[int, Field(ge=1, le=31_536_000)] = 86_400
    max_waiters: Annotated[int, Field(ge=0)] = 5_000
    shutdown_grace_seconds: Annotated[int, Field(ge=1, le=3_600)] = 20
    worker_concurrency: Annotated[int, Field(ge=1, le=2_000)] = 200
    web_processes: Annotated[int, Field(ge=1, le=64)] = 2
    webhook_secret: WebhookSecret | None = None
    prices: Prices = {}
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] | None = None
    _bucket: Bucket | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _stay_at_home_unless_told(self) -> "Settings":
        if self.allow_anonymous or self.client_keys:
            return self
        if not self.on_loopback:
            raise ValueError(
                f"HOST {self.host} is not a loopback address, and anybody could spend your credits:"
                " give out keys (CLIENT_KEYS), or set ALLOW_ANONYMOUS=true if that is what you want"
            )
        if self.public_base_url:
            raise ValueError(
                "PUBLIC_BASE_URL opens the service to anybody who could spend your credits:"
                " give out keys (CLIENT_KEYS), or set ALLOW_ANONYMOUS=true if that is what you want"
            )
        return self

    @model_validator(mode="after")
    def _limit_only_who_may_call(self) -> "Settings":
        known = {EVERYBODY, *(key.name for key in self.client_keys)}
        if unknown := sorted(set(self.key_limits) - known):
            names = ", ".join(sorted(known))
            raise ValueError(
                f"KEY_LIMITS names {unknown[0]!r}, which is no key of CLIENT_KEYS; the names are {names}"
            )
        return self

    @model_validator(mode="after")
    def _redirect_to_a_bucket_alone(self) -> "Settings":
        if self.signed_redirect and not is_bucket(self.storage_url):
            raise ValueError(
                "SIGNED_REDIRECT sends callers to a bucket, and STORAGE_URL is a folder:"
                " leave it out, or name a bucket"
            )
        return self

    @property
    def bucket(self) -> Bucket | None:
        """Return what is known of the bucket of STORAGE_URL; None for a folder."""
        return self._bucket

    @property
    def open_mode(self) -> bool:
        """Whether whoever reaches the service may call it."""
        return not self.client_keys

    @property
    def limits(self) -> KeyLimits:
        """Return what each key may take; without keys `*` is everybody."""
        return key_limits(self.key_limits)

    @property
    def sandbox(self) -> bool:
        """Whether pictures come from the sandbox, for want of a key."""
        return self.api_key is None

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine reaches the service."""
        return is_loopback(self.host) or self.published_on_loopback

    @property
    def operator_open(self) -> bool:
        """Whether what is the operator's needs no credential: only this machine reaches it."""
        published = self.allow_anonymous or self.public_base_url or not self.on_loopback
        return self.open_mode and self.operator_auth is None and not published

    @property
    def flower_host(self) -> str:
        """Return where Flower listens: it is never open to other machines."""
        open_to_others = self.operator_auth is None and not self.on_loopback
        return "127.0.0.1" if open_to_others else self.host

    @property
    def provider_url(self) -> str:
        """Return where provider calls go."""
        return (self.sandbox_url or _SANDBOX_URL) if self.sandbox else self.stability_api_host

    @property
    def own_url(self) -> str:
        """Return where callers find this service; never told by a request."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return self.public_base_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def provider_key(self) -> str:
        """Return the key that provider calls carry."""
        return "sk-sandbox" if self.api_key is None else self.api_key.get_secret_value()

    @property
    def required_redis_url(self) -> str:
        """Return the Redis address for a part that can't run without one."""
        if self.redis_url is None:
            raise SettingsError(
                "REDIS_URL is not set: `make run` starts a server, a part alone needs one"
            )
        return self.redis_url.get_secret_value()

    @property
    def most_batch_jobs(self) -> int:
        """Return how many jobs a batch may have: more than may wait could never be accepted."""
        return min(self.batch_max_jobs, self.queue_max_jobs)

    @property
    def image_ttl_ms(self) -> int:
        """Return for how long a picture is kept, 0 when it is kept until somebody deletes it."""
        return round(self.image_ttl_days * 86_400_000)

    @property
    def day_budget(self) -> int | None:
        """Return `CREDITS_PER_DAY` in thousandths of a credit."""
        return None if self.credits_per_day is None else thousandths(self.credits_per_day)

    @property
    def job_ttl_ms(self) -> int:
        """Return for how long the record of what has ended is kept, 0 when it is kept for ever."""
        return round(self.job_ttl_days * 86_400_000)

    @property
    def price_overrides(self) -> dict[str, int]:
        """Return `PRICES` in thousandths of a credit."""
        return {variant: thousandths(credits) for variant, credits in self.prices.items()}


def load_settings(env_file: Path | None = Path(".env"), **given: Any) -> Settings:
    """Read the settings; raise SettingsError that names every setting that is wrong.

    The environment beats the file, also where it says nothing: an empty value means unset, whatever
    the file says.
    """
    try:
        written = dotenv_values(env_file, interpolate=False) if env_file else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file} can't be read as UTF-8 text: {error}") from None
    values = {**_by_field(written), **_by_field(os.environ)}
    told = {name: value for name, value in values.items() if value}
    try:
        settings = Settings.model_validate({**told, **given})
    except ValidationError as error:
        complaints = [_complaint(fault) for fault in error.errors(include_url=False)]
        raise SettingsError("; ".join(complaints)) from None
    _find_bucket(settings, written)
    return settings


def _find_bucket(settings: Settings, written: Mapping[str, str | None]) -> None:
    for name in empty_names(os.environ):
        # the library reads the environment by itself, and takes an empty text for a value
        del os.environ[name]
    try:
        settings._bucket = read_bucket(settings.storage_url, written, os.environ)  # noqa: SLF001
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _by_field(values: Mapping[str, str | None]) -> dict[str, str | None]:
    fields: dict[str, str | None] = {}
    for name, value in values.items():
        field = _OTHER_NAMES.get(name.lower(), name.lower())
        fields[field] = fields.get(field) or value
    return fields


def _complaint(fault: Mapping[str, Any]) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    setting, *inside = (str(part) for part in fault["loc"]) if fault["loc"] else ("",)
    name = ".".join((setting.upper(), *inside))
    return f"{name} {message}" if name else message
