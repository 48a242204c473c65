"""What a security reviewer would say about the settings: each weak one as a sentence to act on."""

import ipaddress
from urllib.parse import parse_qs, urlsplit

from shared.hosts import is_loopback
from shared.settings import Settings

# A password that is shorter can be tried out over the network.
_LEAST_PASSWORD = 12


def weaknesses(settings: Settings) -> list[str]:
    """Return a sentence for each setting that is allowed and weak; none holds a secret."""
    return [
        *_of_callers(settings),
        *_of_the_operator(settings),
        *_of_what_is_called(settings),
        *_of_redis(settings),
    ]


def _of_callers(settings: Settings) -> list[str]:
    found = []
    if settings.open_mode and settings.allow_anonymous:
        found.append(
            "ALLOW_ANONYMOUS is on: whoever reaches this service may make images at your expense,"
            " see all jobs and cancel them"
        )
    elif settings.open_mode and settings.published_on_loopback:
        found.append(
            "CLIENT_KEYS is not set, and this service can't see that only its machine reaches the port,"
            " as PUBLISHED_ON_LOOPBACK says: whoever does may make images at your expense"
        )
    if not settings.sandbox and settings.credits_per_day is None:
        found.append("CREDITS_PER_DAY is not set: a mistake or a guest may spend all your credits")
    if _in_clear(settings.public_base_url):
        found.append(
            "PUBLIC_BASE_URL is http://: requests and images can be read and changed on their way"
        )
    if clear := [origin for origin in settings.cors_origins if _in_clear(origin)]:
        found.append(
            f"CORS_ORIGINS names {clear[0]}: whoever can change that page on its way calls this"
            " service in its name"
        )
    return found


def _of_the_operator(settings: Settings) -> list[str]:
    if settings.operator_auth is None:
        if settings.operator_open:
            return []
        closed = "" if settings.on_loopback else ", and Flower listens on loopback only"
        return [f"OPERATOR_AUTH is not set: /operator is closed{closed}"]
    password = settings.operator_auth.get_secret_value().partition(":")[2]
    if len(password) < _LEAST_PASSWORD:
        return [f"OPERATOR_AUTH has a password of less than {_LEAST_PASSWORD} characters"]
    return []


def _of_what_is_called(settings: Settings) -> list[str]:
    found = []
    if settings.fetch_allow_private:
        found.append(
            "FETCH_ALLOW_PRIVATE is on: callers can have images fetched from this machine's network"
        )
    if settings.webhook_allow_private:
        found.append(
            "WEBHOOK_ALLOW_PRIVATE is on: callers can have this machine's network called by webhooks"
        )
    if not settings.sandbox and _in_clear(settings.stability_api_host):
        found.append("STABILITY_API_HOST is http://: the Stability key can be read on its way")
    return found


def _of_redis(settings: Settings) -> list[str]:
    if settings.redis_url is None:
        return []
    url = urlsplit(settings.redis_url.get_secret_value())
    host = url.hostname or ""
    if is_loopback(host):
        return []
    found = []
    if not url.password and "password" not in parse_qs(url.query):
        found.append("REDIS_URL has no password: whoever reaches that server can change every job")
    if url.scheme == "redis" and _is_far(host):
        found.append("REDIS_URL is redis:// and not rediss://: prompts can be read on their way")
    if parse_qs(url.query).get("ssl_cert_reqs", [""])[0].lower() in {"none", "cert_none"}:
        found.append("REDIS_URL asks for no certificate: another server can pose as that one")
    return found


def _in_clear(url: str | None) -> bool:
    split = urlsplit(url or "")
    return split.scheme == "http" and not is_loopback(split.hostname or "")


def _is_far(host: str) -> bool:
    """Tell whether a host is beyond the own network: a name without a dot is a neighbour's."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host
