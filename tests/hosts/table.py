"""What was cut off, what callers met, how long it took to work again: as a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.callers import Met
from tests.hosts.plan import Cut

# How long a good client waits for an answer, at least: whoever hangs up earlier says nothing of us.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outage:
    """A cut as it was: when it began and ended (seconds since the epoch), and what followed.

    `again` is seconds by what works again, None for what did not in time. `reachable` are the
    addresses of the APIs that callers had a way to.
    """

    cut: Cut
    begun: float
    ended: float
    again: Mapping[str, float | None]
    reachable: Sequence[str]

    def met(self, met: Iterable[Met]) -> list[Met]:
        """Return what those met who asked meanwhile, were patient, and had a way to the API."""
        return [
            one
            for one in met
            if self.begun <= one.asked <= self.ended
            and one.patience > _PATIENCE_SECONDS
            and one.base in self.reachable
        ]

    def hung(self, met: Iterable[Met]) -> list[Met]:
        """Return those of them who had no answer at all."""
        return [one for one in self.met(met) if not one.status]

    @property
    def deaf(self) -> list[str]:
        """Return what did not work again in time."""
        return [what for what, seconds in self.again.items() if seconds is None]


def outages(found: Sequence[Outage], met: Sequence[Met]) -> list[str]:
    """Return a line for each cut: callers' answers meanwhile, then seconds until all worked again."""
    head = f"{'cut off':<9} {'from':<18} {'for':>4}"
    head += f" | {'asked':>5} {'2xx':>4} {'503':>4} {'other':>5} {'none':>4} {'slowest':>7}"
    head += f" | {'accept':>6} {'ready':>6} {'counted':>7} {'make':>6} {'held':>6}"
    return [head, *(_line(one, one.met(met)) for one in found)]


def _line(outage: Outage, met: Sequence[Met]) -> str:
    cut = outage.cut
    good = sum(200 <= one.status < 300 for one in met)
    away = sum(one.status == 503 for one in met)
    none = len(outage.hung(met))
    slowest = max((one.seconds for one in met), default=0.0)
    line = f"{cut.host:<9} {cut.from_what:<18} {outage.ended - outage.begun:>3.0f}s"
    line += f" | {len(met):>5} {good:>4} {away:>4} {len(met) - good - away - none:>5} {none:>4}"
    line += f" {slowest:>6.1f}s |"
    for what, width in (("accepts", 6), ("ready", 6), ("counts", 7), ("makes", 6), ("held", 6)):
        line += f" {_last(outage.again, what):>{width}}"
    return line


def _last(again: Mapping[str, float | None], what: str) -> str:
    found = [seconds for name, seconds in again.items() if what in name.split()]
    if not found:
        return "-"
    known = [seconds for seconds in found if seconds is not None]
    return f"{max(known):.1f}s" if len(known) == len(found) else "NEVER"
