"""Carry a plan out: kill, freeze, and give the sandbox its orders; and remember what was done."""

import heapq
import itertools
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from tests.chaos.judge import Misdeed
from tests.chaos.misdeeds import Sandbox
from tests.chaos.plan import Deed
from tests.chaos.processes import send

_TEND_SECONDS = 2.0
# How often, and for how long, it is looked for what is down when its turn comes.
_AGAIN_SECONDS, _PATIENCE = 1.0, 10
Action = Callable[[], None]


class Parts(Protocol):
    """Whatever has parts that are processes."""

    def pid(self, part: str) -> int:
        """Return the process id of a part, 0 while it is down."""
        ...


class Disasters:
    """Do what a plan says, one thing after the other; `done` is what came of it."""

    def __init__(self, house: Parts, sandbox: Sandbox) -> None:
        self._house = house
        self._sandbox = sandbox
        self._number = itertools.count()
        self._due: list[tuple[float, int, Action]] = []
        self.done: list[Misdeed] = []

    def run(self, deeds: Sequence[Deed], seconds: float) -> None:
        """Take so many seconds; whatever is not over by then is ended by `House.wake`."""
        begun = time.monotonic()
        for deed in deeds:
            self._later(begun + deed.at, partial(self._begin, deed))
        self._tend()
        while self._due[0][0] < begun + seconds:  # there is always a next time to tend
            moment, _, action = heapq.heappop(self._due)
            time.sleep(max(0.0, moment - time.monotonic()))
            action()
        time.sleep(max(0.0, begun + seconds - time.monotonic()))

    def end(self) -> None:
        """Note the end of what was still under way, now that all is awake."""
        self.done = [deed.over(time.time()) if deed.ended is None else deed for deed in self.done]

    def _later(self, moment: float, action: Action) -> None:
        heapq.heappush(self._due, (moment, next(self._number), action))

    def _tend(self) -> None:
        self._sandbox.tend()
        self._later(time.monotonic() + _TEND_SECONDS, self._tend)

    def _begin(self, deed: Deed, patience: int = _PATIENCE) -> None:
        if deed.word == "fault":
            self._note(deed, hit=self._sandbox.fault(deed.order), over=True)
        elif deed.word == "setting":
            self._set(deed)
        elif pid := self._house.pid(deed.what):
            self._strike(deed, pid)
        elif patience:  # it is being started again, and not spared for that
            again = partial(self._begin, deed, patience - 1)
            self._later(time.monotonic() + _AGAIN_SECONDS, again)
        else:
            self._note(deed, hit=False, over=True)

    def _strike(self, deed: Deed, pid: int) -> None:
        if deed.word == "kill":
            if deed.what == "sandbox":
                self._sandbox.tend()  # what it has counted dies with it
            self._note(deed, hit=send(pid, signal.SIGKILL), over=True)
        else:
            hit = send(pid, signal.SIGSTOP)
            place = self._note(deed, hit=hit, over=not hit)
            self._later(time.monotonic() + deed.seconds, partial(self._thaw, pid, place))

    def _thaw(self, pid: int, place: int) -> None:
        send(pid, signal.SIGCONT)
        self._over(place)

    def _set(self, deed: Deed) -> None:
        # one that can't be told now is told as soon as the sandbox is back
        self._sandbox.set(deed.order)
        place = self._note(deed, hit=True, over=False)
        self._later(time.monotonic() + deed.seconds, partial(self._take_back, deed, place))

    def _take_back(self, deed: Deed, place: int) -> None:
        self._sandbox.take_back(deed.order)
        self._over(place)

    def _note(self, deed: Deed, *, hit: bool, over: bool) -> int:
        now = time.time()
        self.done.append(Misdeed(deed.word, deed.what, hit, now, now if over else None))
        return len(self.done) - 1

    def _over(self, place: int) -> None:
        self.done[place] = self.done[place].over(time.time())
