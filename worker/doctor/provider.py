"""The provider: does it know the key, and what is left? Asks for the balance, which is free."""

from collections.abc import Iterator

import requests

from shared.errors import (
    ProviderAuth,
    ProviderFault,
    ProviderUnavailable,
    RateLimited,
    Retryable,
)
from shared.operations import BY_VARIANT, price
from shared.settings import Settings
from worker.doctor.findings import Finding, note, ok, wrong
from worker.stability import Stability
from worker.wire import balance_request

_SECONDS = 6.0


def check(settings: Settings) -> Iterator[Finding]:
    """Ask for the balance with a key; look for the sandbox without one."""
    if settings.sandbox:
        yield _sandbox(settings)
        return
    host = settings.provider_url
    try:
        credits = Stability(host, _SECONDS).balance(balance_request(settings.provider_key))
    except ProviderFault as fault:
        yield _fault(fault, host)
    else:
        yield _balance(credits, [price(name, settings.price_overrides) for name in BY_VARIANT])


def _fault(fault: ProviderFault, host: str) -> Finding:
    if isinstance(fault, ProviderAuth):
        return wrong("provider", f"{host} refuses the key", "mend API_KEY, and restart")
    if isinstance(fault, RateLimited):
        return note(
            "provider", f"{host} has locked the key out for a minute", "jobs wait meanwhile"
        )
    if isinstance(fault, ProviderUnavailable):
        mend = "is there a way to it from here, and is STABILITY_API_HOST right?"
        return wrong("provider", f"{host} can't be reached, or does not serve", mend)
    if isinstance(fault, Retryable):
        return wrong(
            "provider", f"{host} does not answer as it should", "jobs wait; ask again later"
        )
    return wrong(
        "provider", f"{host} refuses the free balance call", "is STABILITY_API_HOST right?"
    )


def _balance(thousandths: int, prices: list[int]) -> Finding:
    told = f"the key is good, and the account has {thousandths / 1000:,.2f} credits"
    mend = 'buy credits: docs/operations.md, "The key is out of credits"'
    if thousandths < min(prices):
        return wrong("provider", told, mend)
    if thousandths < max(prices):
        return note("provider", f"{told}, less than the dearest image costs", mend)
    return ok("provider", told)


def _sandbox(settings: Settings) -> Finding:
    told = "no API_KEY: the sandbox draws the pictures, free of charge"
    if settings.sandbox_url is None:
        return ok("provider", told)
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.get(f"{settings.sandbox_url}/_sandbox/", timeout=_SECONDS)
    except requests.RequestException:
        mend = "start it with python -m sandbox, or set API_KEY"
        return wrong("provider", f"{told}; nobody answers at SANDBOX_URL", mend)
    return ok("provider", told)
