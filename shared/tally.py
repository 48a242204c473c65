"""What is counted by labels, over all processes: by the scripts, or handed in every few seconds."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from redis import Redis

from shared.scripts import Scripts

# A process that has not handed anything in for so long is gone.
_GONE_MS = 15_000
REPORT_SECONDS = 2.0
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How times are spread: those up to each bound (ms) and beyond the last, apart, and their sum."""

    buckets: tuple[int, ...]
    sum_ms: int


@dataclass(frozen=True, slots=True)
class Tallies:
    """What was counted since the store was empty, by name and labels; `bounds_ms` of every spread."""

    numbers: Mapping[Labels, int]
    bounds_ms: tuple[int, ...]

    @classmethod
    def of(cls, record: Mapping[str, str], bounds_ms: Sequence[int]) -> "Tallies":
        """Return what the store keeps as tallies."""
        numbers = {tuple(name.split("|")): int(number) for name, number in record.items()}
        return cls(numbers, tuple(bounds_ms))

    def named(self, name: str) -> Iterator[tuple[Labels, int]]:
        """Yield the labels and the number of each that has this name, in order."""
        for labels, number in sorted(each for each in self.numbers.items() if each[0][0] == name):
            yield labels[1:], number

    def spread(self, name: str, *labels: str) -> Spread:
        """Return a histogram; one in which nothing was put yet is empty."""
        ends = (*(str(bound) for bound in self.bounds_ms), "inf")
        buckets = tuple(self.numbers.get((name, *labels, end), 0) for end in ends)
        return Spread(buckets, self.numbers.get((name, *labels, "sum"), 0))


class Tally:
    """Counts what happens in one process, and hands that in together: no call of its own for each.

    What was not handed in when a process is killed, of the last `REPORT_SECONDS`, is lost. Labels must
    have few values each.
    """

    def __init__(self, redis: "Redis") -> None:
        self._run = Scripts(redis).run
        self._process = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._new: Counter[str] = Counter()
        self._reporting = threading.Lock()
        self._number = 0
        self._report: Counter[str] = Counter()
        self._held: Callable[[], int] | None = None

    def add(self, name: str, *labels: str) -> None:
        """Count one more; any thread may do so."""
        with self._lock:
            self._new["|".join((name, *labels))] += 1

    def watch(self, held: Callable[[], int]) -> None:
        """Report, from now on, how many callers wait in this process."""
        self._held = held

    def hand_in(self, *, last: bool = False) -> None:
        """Tell the store what is new, each count once; `last` says good-bye. May raise StoreUnavailable.

        What could not be told stays, and is told the next time.
        """
        with self._reporting:
            if not self._report:
                with self._lock:
                    self._report, self._new = self._new, Counter()
                self._number += 1
            held = "" if self._held is None else self._held()
            if not self._report and held == "":
                return
            flat = [part for pair in self._report.items() for part in pair]
            self._run("tally", self._process, self._number, held, 0 if last else _GONE_MS, *flat)
            self._report = Counter()
        if last and self._new:  # what was told now was left from an earlier try
            self.hand_in(last=True)
