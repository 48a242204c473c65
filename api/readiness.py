"""Is this service able to work, and if not, what is missing?"""

from dataclasses import dataclass

from api.shapes import ProviderView
from shared.errors import OtherRelease, StoreUnavailable
from shared.job_index import JobIndex
from shared.services import Services


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was checked, "ok" or what is wrong by name, and how the provider stands.

    The provider makes nothing unready: jobs wait for it.
    """

    checks: dict[str, str]
    provider: ProviderView

    @property
    def missing(self) -> list[str]:
        """Return the names of what does not work."""
        return [name for name, state in self.checks.items() if state != "ok"]


def check(services: Services) -> Readiness:
    """Look at Redis, the workers and the storage."""
    paused_ms, state = 0, "unknown"
    try:
        services.store.check()
        workers, away = _workers(services.index)
        paused_ms = services.index.paused_ms()
        state = away or _state(services, paused_ms)
        redis = "ok" if services.store.takes_writes() else "takes nothing: full, or a replica"
        checks = {"redis": redis, "worker": workers}
    except OtherRelease as fault:
        checks = {"redis": fault.message, "worker": "unknown"}
    except StoreUnavailable:
        checks = {"redis": "does not answer", "worker": "unknown"}
    checks["storage"] = services.images.trouble() or "ok"
    provider = ProviderView(
        name="sandbox" if services.settings.sandbox else "stability",
        state=state,
        paused_seconds=round(paused_ms / 1000),
    )
    return Readiness(checks, provider)


def _state(services: Services, paused_ms: int) -> str:
    if services.halt.state():
        return "paused"
    return services.breaker.state().why or ("rate_limited" if paused_ms else "ok")


def _workers(index: JobIndex) -> tuple[str, str]:
    """Return how the workers are, and why none of them calls the provider if that lies with it."""
    slots = index.worker_slots()
    if not slots:
        return "no live worker", ""
    if any(slots):
        return "ok", ""
    if (away := "provider_unavailable") in index.worker_troubles().values():
        return "ok", away
    return "no worker can keep images", ""
