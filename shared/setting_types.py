"""The types of settings: what each takes, and what is said about what it does not take."""

import base64
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from shared.buckets import check_storage
from shared.hosts import check_hosts, check_origins, parse_list
from shared.operations import BY_VARIANT


@dataclass(frozen=True, slots=True)
class Rate:
    """So many provider calls in any so many seconds."""

    calls: int
    seconds: int


def _parse_rate(value: object) -> object:
    if isinstance(value, Rate):
        return value
    match = re.fullmatch(r"\s*([1-9]\d{0,5})\s*/\s*([1-9]\d{0,4})\s*s?\s*", str(value))
    if not match:
        raise ValueError("must be calls/seconds, as 150/10s")
    return Rate(int(match[1]), int(match[2]))


def _check_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError("must be an http or https URL, as https://images.example.com")
    return value.rstrip("/")


def _check_redis_url(value: SecretStr) -> SecretStr:
    if not re.match(r"rediss?://", value.get_secret_value()):
        raise ValueError("must be a redis:// or rediss:// URL")
    return value


def _check_login(value: SecretStr) -> SecretStr:
    user, colon, password = value.get_secret_value().partition(":")
    if not (user and colon and password):
        raise ValueError("must be user:password")
    return value


def _check_key(value: SecretStr) -> SecretStr:
    # secret files end with a newline, which no header takes
    key = value.get_secret_value().strip()
    if not re.fullmatch(r"[!-~]+", key):
        raise ValueError("must be letters, digits and signs without spaces")
    return SecretStr(key)


def _check_webhook_secret(value: SecretStr) -> SecretStr:
    # what the standardwebhooks library takes, without what it silently drops
    text = value.get_secret_value().strip().removeprefix("whsec_").rstrip("=")
    try:
        secret = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        secret = b""
    if not 24 <= len(secret) <= 64:
        raise ValueError(
            "must be whsec_ and the base64 of 24 to 64 bytes;"
            " `echo whsec_$(openssl rand -base64 32)` makes one"
        )
    return SecretStr(f"whsec_{base64.b64encode(secret).decode()}")


def _check_prices(value: dict[str, Decimal]) -> dict[str, Decimal]:
    unknown = sorted(set(value) - set(BY_VARIANT))
    if unknown:
        raise ValueError(f"knows no {unknown[0]!r}; the names are {', '.join(BY_VARIANT)}")
    if any(not 0 <= credits <= 100_000 for credits in value.values()):
        raise ValueError("must be credits from 0 to 100000 for each name")
    return value


def read_json(example: str) -> BeforeValidator:
    """Return what reads a setting that is JSON, as the example is."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f"must be JSON, as {example}") from None

    return BeforeValidator(read)


Url = Annotated[str, AfterValidator(_check_url)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Credits = Annotated[Decimal, Field(ge=0)]
Days = Annotated[float, Field(ge=0, le=36_500)]
AllowedHosts = Annotated[tuple[str, ...], BeforeValidator(parse_list), AfterValidator(check_hosts)]
CorsOrigins = Annotated[tuple[str, ...], BeforeValidator(parse_list), AfterValidator(check_origins)]
WaitSeconds = Annotated[float, Field(ge=0, le=3_600)]
ProviderKey = Annotated[SecretStr, AfterValidator(_check_key)]
Login = Annotated[SecretStr, AfterValidator(_check_login)]
RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis_url)]
Storage = Annotated[str, AfterValidator(check_storage)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_check_webhook_secret)]
ProviderRate = Annotated[Rate, BeforeValidator(_parse_rate)]
Prices = Annotated[
    dict[str, Decimal],
    read_json('{"core": 3, "sd3.5-large": 6.5}'),
    AfterValidator(_check_prices),
]
