"""Is the provider back? The free balance call asks, while the breaker keeps jobs from being started."""

import logging
from typing import Literal, Protocol

from shared.breaker import Probe, Why
from shared.errors import ProviderAuth, ProviderFault, ProviderRejected, RateLimited
from shared.services import Services
from worker.wire import Outgoing, balance_request

_log = logging.getLogger(__name__)
# A balance comes at once or not at all.
TIMEOUT_SECONDS = 10.0


class Accountant(Protocol):
    """Who can ask the provider for the balance."""

    def balance(self, outgoing: Outgoing) -> int:
        """Return the account's thousandths of a credit; raise a ProviderFault."""
        ...


def probe(services: Services, accountant: Accountant) -> None:
    """Make the probe that is due, if one is, and tell how it went; may raise StoreUnavailable."""
    due = services.breaker.take_probe()
    if due is None:
        return
    outcome, balance = _outcome(due, services, accountant)
    services.breaker.tell_probe(outcome, balance)
    if outcome == "ok":
        _log.info("the provider can be called again: one job goes first")
    else:
        _log.warning("the provider was probed, and jobs go on waiting", extra={"reason": outcome})


def ask_balance(services: Services, accountant: Accountant) -> int:
    """Return the balance; the question counts for the provider's limit, and takes a slot of it."""
    services.store.book(1)
    return accountant.balance(balance_request(services.settings.provider_key))


def _outcome(
    due: Probe, services: Services, accountant: Accountant
) -> tuple[Literal["ok"] | Why, int | None]:
    """Return how a probe went, and the balance if it was told."""
    try:
        balance = ask_balance(services, accountant)
    except ProviderAuth:
        return "provider_auth", None
    except RateLimited as fault:
        services.store.pause(round(fault.retry_after * 1000), widen=True)
        return due.why, None
    except ProviderRejected:
        # it answers, and knows no such question: only a job can tell
        return "ok", None
    except ProviderFault:
        return due.why, None
    short = due.why == "provider_credits" and balance < max(due.price, 1)
    return "provider_credits" if short else "ok", balance
