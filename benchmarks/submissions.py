"""Measure how many submissions a second are accepted: `python -m benchmarks.submissions [words]`.

Our API beside a Flask route that does nothing but send a task, in the same kind of server on a Redis
with the same settings: 1 and 2 processes, with and without idempotency keys, with the workers stopped
and busy. First 32 callers submit as fast as they are answered, then 300 submissions a second come,
whatever the answers take. With words: only these of `1`, `2`, `bare`, `stopped` and `busy`.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.alternatives.running import serving
from benchmarks.figures import quantile
from benchmarks.plots import Bars
from benchmarks.processes import cpu_of
from benchmarks.provider import as_prompted, provider
from benchmarks.report import report, spread
from benchmarks.submitters import Answers, as_fast_as_answered, at_a_rate
from benchmarks.web import web, worker
from tests.e2e.stack import eventually
from tests.redis_server import embedded_server

ROUNDS = 3
RATE = 300
_SECONDS = 1.5
_WARM_SECONDS = 0.5
# More than a worker at work takes up in a run: it is never without.
_AHEAD = 1_000
BARE, STOPPED, BUSY = "send_task alone", "ours, no worker", "ours, a busy worker"


@dataclass(slots=True)
class Case:
    """One server as it is asked, and what was measured, by round."""

    processes: int
    what: str
    keys: bool
    port: int
    folder: Path
    cpu: float = 0.0
    fastest: list[Answers] = field(default_factory=list)
    steady: list[Answers] = field(default_factory=list)

    def measure(self) -> None:
        """Do one round."""
        before = cpu_of(self.folder)
        self.fastest.append(as_fast_as_answered(self.port, _SECONDS, keys=self.keys))
        self.cpu += cpu_of(self.folder) - before
        self.steady.append(at_a_rate(self.port, _SECONDS, RATE, keys=self.keys))

    def rate(self) -> float:
        """Return the 202s a second, the median of the rounds."""
        return quantile([each.rate() for each in self.fastest], 0.5)

    def cpu_ms(self) -> str:
        """Return the CPU time of the API and of Redis for a 202; a busy worker's can't be told apart."""
        accepted = sum(len(each.seconds) for each in self.fastest)
        return f"{1000 * self.cpu / accepted:.2f}" if self.cpu and self.what != BUSY else ""

    def steady_ms(self, share: float) -> float:
        """Return a quantile of all answers at the fixed rate, in ms."""
        return quantile([1000 * each for one in self.steady for each in one.seconds], share)

    def others(self) -> int:
        """Return how many answers were no 202."""
        return sum(each.others for each in [*self.fastest, *self.steady])


@contextmanager
def bare(folder: Path, processes: int) -> Iterator[int]:
    """Run the route that only sends; give its port."""
    app = "benchmarks.alternatives.bare_send:app"
    with embedded_server(folder / "data") as url:
        # the folder names the processes whose CPU time is counted
        environment = {"REDIS_URL": url, "PICTURES": str(folder / "pictures")}
        with serving(app, folder / "log", environment, processes=processes) as address:
            yield urlsplit(address).port or 0


@contextmanager
def ours(folder: Path, processes: int, busy: int = 0) -> Iterator[int]:
    """Run our API; with the port of a provider a worker beside it, which has all it can do."""
    with ExitStack() as stack:
        server = stack.enter_context(web(folder, processes, LOG_LEVEL="INFO"))
        if busy:
            stack.enter_context(worker(server, busy))
            at_a_rate(server.port, _AHEAD / RATE, RATE, keys=False)
            eventually(lambda: server.index.depth().running, 60, "the worker's first job")
        yield server.port


@contextmanager
def cases(processes: int, words: Sequence[str]) -> Iterator[list[Case]]:
    """Run the servers that have so many processes, as far as they are named, and warm them up."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        found: list[Case] = []

        def add(what: str, port: int, own: Path) -> None:
            found.extend(Case(processes, what, keys, port, own) for keys in (False, True))

        for each in ("bare", "stopped", "busy"):
            (folder / each).mkdir()
        if _wanted("bare", words):
            port = stack.enter_context(bare(folder / "bare", processes))
            found.append(Case(processes, BARE, False, port, folder / "bare"))
        if _wanted("stopped", words):
            own = folder / "stopped"
            add(STOPPED, stack.enter_context(ours(own, processes)), own)
        if _wanted("busy", words):
            port = stack.enter_context(provider(as_prompted())).port
            own = folder / "busy"
            add(BUSY, stack.enter_context(ours(own, processes, port)), own)
        for case in found:
            as_fast_as_answered(case.port, _WARM_SECONDS, keys=case.keys)
        yield found


def _wanted(word: str, words: Sequence[str]) -> bool:
    return word in words or not {"bare", "stopped", "busy"} & set(words)


_HEAD = (
    "processes",
    "what",
    "idempotency keys",
    "202s a second (of the rounds)",
    "of bare",
    "CPU ms each",
    "ms at 300/s: p50",
    "p99",
    "other answers",
)


def rows(measured: Sequence[Case]) -> list[list[object]]:
    """Return a row for each case; its share is of what as many processes send alone."""
    alone = {case.processes: case.rate() for case in measured if case.what == BARE}
    return [
        [
            case.processes,
            case.what,
            "yes" if case.keys else "no",
            spread([each.rate() for each in case.fastest], ".0f"),
            f"{case.rate() / alone[case.processes]:.2f}" if case.processes in alone else "",
            case.cpu_ms(),
            case.steady_ms(0.5),
            case.steady_ms(0.99),
            case.others(),
        ]
        for case in measured
    ]


def plot(measured: Sequence[Case]) -> Bars:
    """Return the 202s a second, by case and processes."""
    names = [f"{case.what}{', keys' if case.keys else ''}" for case in measured]
    processes = sorted({case.processes for case in measured})
    rates = {
        (name, case.processes): case.rate() for name, case in zip(names, measured, strict=True)
    }
    return Bars(
        "Submissions accepted a second, 32 callers",
        "202s a second",
        [f"{number} API process{'es' if number > 1 else ''}" for number in processes],
        {
            name: [rates.get((name, number)) for number in processes]
            for name in dict.fromkeys(names)
        },
    )


def main(words: Sequence[str]) -> None:
    """Measure and report."""
    measured: list[Case] = []
    for processes in [int(word) for word in words if word in {"1", "2"}] or [1, 2]:
        with cases(processes, words) as found:
            for _ in range(ROUNDS):
                for case in found:
                    case.measure()
        measured += found
    note = f"Each case was measured for twice {_SECONDS:g} s a round, in {ROUNDS} rounds."
    report("submissions", _HEAD, rows(measured), plot(measured), [note], in_short(measured))


def in_short(measured: Sequence[Case]) -> str:
    """Return the range of our rates, and our slowest p99 at the fixed rate."""
    rates = [case.rate() for case in measured if case.what != BARE] or [0.0]
    p99 = max((case.steady_ms(0.99) for case in measured if case.what != BARE), default=0.0)
    return f"{min(rates):.0f} to {max(rates):.0f} accepted a second; p99 at {RATE} a second {p99:.0f} ms"


if __name__ == "__main__":
    main(sys.argv[1:])
