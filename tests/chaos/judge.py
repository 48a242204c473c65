"""Facts in, verdict out: what was lost, what was paid twice and why, what is broken."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

TERMINAL = frozenset({"succeeded", "failed", "canceled"})
# Faults of the sandbox after which nobody can know whether a call was charged. ("slow" is ordered to
# take longer than the time-out, "status" is 502 when it is charged.)
CUTTING_FAULTS = frozenset({"cut", "reset", "hang", "slow", "status"})
# A lost worker's jobs are taken up when their lease of 30 s, renewed every 5 s, is over.
_ADOPTED = 20.0
# A call begins before it arrives, and ends after its charge: the picture is sent, checked and written.
_BEFORE, _AFTER = 2.0, 5.0
# What stood in the sockets of a frozen process, or before a cable that was out, arrives after that.
_WAKING = 5.0
# Of a worker: it can't renew its leases, or has no answer. No other cable that is out ends a call.
CUT_FROM_REDIS, CUT_FROM_PROVIDER = "worker from redis", "worker from provider"
# So long after a freeze of the provider the calls that piled up in it may be over its limit.
_PILED_UP = 20.0


@dataclass(frozen=True, slots=True)
class Misdeed:
    """What was done: times are seconds since the epoch, `hit` tells whether it met anybody."""

    word: str
    what: str
    hit: bool
    begun: float
    ended: float | None = None

    @property
    def end(self) -> float:
        """When it was over: what has no end was over at once."""
        return self.begun if self.ended is None else self.ended

    def over(self, now: float) -> "Misdeed":
        """Return it with its end."""
        return replace(self, ended=now)


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller asked for under one key: the marks of its jobs, and every answer it was given.

    An answer is the id of the job or batch, and the ids of its jobs.
    """

    key: str
    marks: tuple[str, ...]
    told: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as the store knows it at the end; `unknown` counts its repeats with unknown outcome."""

    id: str
    mark: str
    status: str
    error_code: str = ""
    unknown: int = 0
    image: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of the storage: its SHA-256, and what is wrong with it, if anything."""

    sha256: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """A call that the provider charged: when it arrived and was charged, and what befell it."""

    mark: str
    arrived: float
    charged: float
    fault: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found when it was over."""

    orders: Sequence[Order]
    jobs: Sequence[StoredJob]
    pictures: Mapping[str, Picture]
    charges: Sequence[Charge]
    misdeeds: Sequence[Misdeed]
    repeats_counted: int
    refused: Sequence[str] = ()
    over_limit: Sequence[tuple[float, int]] = ()
    provider_timeout: float = 15.0


@dataclass(frozen=True, slots=True)
class PaidTwice:
    """A charge beyond the first of a job; `why` is empty when nothing explains it."""

    mark: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it; each list holds sentences or marks, and is empty when all is well."""

    accepted: int
    ends: Mapping[tuple[str, str], int]
    charged: int
    lost: Sequence[str]
    paid_twice: Sequence[PaidTwice]
    uncounted: Sequence[str]
    repeats_counted: int
    broken: Sequence[str]
    double_jobs: Sequence[str]
    unanswered: Sequence[str]
    refused: Sequence[str]
    over_limit: Mapping[str, int] = field(default_factory=dict)

    @property
    def unexplained(self) -> list[str]:
        """The jobs that were paid twice without a misdeed that could have cut their call in two."""
        return [paid.mark for paid in self.paid_twice if not paid.why]

    @property
    def acquitted(self) -> bool:
        """Whether every target is met."""
        missed = (self.lost, self.unexplained, self.uncounted, self.broken, self.double_jobs)
        return bool(self.accepted) and not any((*missed, self.unanswered, self.refused))


def judge(facts: Facts) -> Verdict:
    """Judge by the facts alone."""
    told = {job for order in facts.orders for _, jobs in order.told for job in jobs}
    paid_twice, uncounted = _paid_twice(facts)
    return Verdict(
        accepted=len(told | {job.id for job in facts.jobs}),
        charged=len(facts.charges),
        ends=Counter((job.status, job.error_code) for job in facts.jobs),
        lost=[*_unknown(told, facts.jobs), *_not_ended(facts.jobs), *_without_picture(facts)],
        paid_twice=paid_twice,
        uncounted=uncounted,
        repeats_counted=facts.repeats_counted,
        broken=[f"{name}: {found.fault}" for name, found in facts.pictures.items() if found.fault],
        double_jobs=[*_two_answers(facts.orders), *_two_jobs(facts.jobs)],
        unanswered=[order.key for order in facts.orders if not order.told],
        refused=facts.refused,
        over_limit=_over_limit(facts),
    )


def _unknown(told: set[str], jobs: Sequence[StoredJob]) -> list[str]:
    known = {job.id for job in jobs}
    return [f"{job}: was accepted, and the store knows nothing of it" for job in told - known]


def _not_ended(jobs: Sequence[StoredJob]) -> list[str]:
    return [f"{job.id}: is still {job.status}" for job in jobs if job.status not in TERMINAL]


def _without_picture(facts: Facts) -> list[str]:
    """Name the jobs that claim a picture which is missing, another job's, or not what was paid."""
    lost = []
    made = [job for job in facts.jobs if job.status == "succeeded"]
    found = {job.id: facts.pictures.get(job.image) for job in made}
    copies = Counter(picture.sha256 for picture in found.values() if picture)
    sold: defaultdict[str, set[str]] = defaultdict(set)
    for charge in facts.charges:
        # a picture in another format is converted
        sold[charge.mark].add("any" if charge.fault == "wrong_format" else charge.sha256)
    for job in made:
        picture = found[job.id]
        if picture is None:
            lost.append(f"{job.id}: succeeded without a picture")
        elif picture.fault:
            lost.append(f"{job.id}: succeeded with a broken picture")
        elif copies[picture.sha256] > 1:
            lost.append(f"{job.id}: has the picture of another job")
        elif not {picture.sha256, "any"} & sold[job.mark]:
            lost.append(f"{job.id}: has a picture that was not made for it")
    return lost


def _two_answers(orders: Sequence[Order]) -> list[str]:
    return [
        f"{order.key}: was answered with {len(ids)} jobs or batches"
        for order in orders
        if len(ids := set(order.told)) > 1
    ]


def _two_jobs(jobs: Sequence[StoredJob]) -> list[str]:
    counts = Counter(job.mark for job in jobs)
    return [f"{mark}: was stored as {count} jobs" for mark, count in counts.items() if count > 1]


def _paid_twice(facts: Facts) -> tuple[list[PaidTwice], list[str]]:
    """Return every charge beyond the first of a job, and the jobs that count fewer repeats."""
    calls: defaultdict[str, list[Charge]] = defaultdict(list)
    for charge in sorted(facts.charges, key=lambda charge: charge.arrived):
        calls[charge.mark].append(charge)
    repeats: Counter[str] = Counter()
    for job in facts.jobs:
        repeats[job.mark] += job.unknown
    found, uncounted = [], []
    for mark, charges in calls.items():
        beyond = len(charges) - 1
        found += [PaidTwice(mark, _cut_by(*pair, facts)) for pair in pairwise(charges)]
        if beyond > repeats[mark]:
            uncounted.append(f"{mark}: paid {beyond + 1} times, {repeats[mark]} repeats noted")
    if len(found) > facts.repeats_counted:
        uncounted.append(f"{len(found)} second payments, {facts.repeats_counted} repeats counted")
    return found, uncounted


def _cut_by(call: Charge, following: Charge, facts: Facts) -> str:
    """Return what cut a call in two, so that the following was made; "" when nothing did."""
    if call.fault in CUTTING_FAULTS:
        return f"fault: {call.fault}"
    for deed in facts.misdeeds:
        if deed.hit and _met(deed, call) and _could_cut(deed, following, facts.provider_timeout):
            return f"{deed.word}: {deed.what}"
    if call.charged - call.arrived > facts.provider_timeout - _BEFORE:
        return "time-out: the provider was slower"
    return ""


def _met(deed: Misdeed, call: Charge) -> bool:
    """Tell whether a call was under way at the time, from its sending to its written picture."""
    waking = 0.0 if deed.word == "kill" else _WAKING
    return deed.begun <= call.charged + _AFTER and deed.end + waking >= call.arrived - _BEFORE


def _could_cut(deed: Misdeed, following: Charge, provider_timeout: float) -> bool:
    """Tell whether it is of the kind after which a call is repeated, and then."""
    if deed.word == "cut":
        return _could_cut_off(deed, following, provider_timeout)
    if deed.word not in {"kill", "freeze"}:
        return False
    if deed.what in {"worker", "second worker"}:
        return following.arrived >= deed.begun + _ADOPTED
    # a provider that stands still for less is answered in time
    patient = deed.word == "freeze" and deed.end - deed.begun < provider_timeout / 2
    return deed.what == "sandbox" and not patient


def _could_cut_off(deed: Misdeed, following: Charge, provider_timeout: float) -> bool:
    lasted = deed.end - deed.begun
    if deed.what == CUT_FROM_REDIS:
        return lasted >= _ADOPTED and following.arrived >= deed.begun + _ADOPTED
    return deed.what == CUT_FROM_PROVIDER and lasted >= provider_timeout / 2


def _over_limit(facts: Facts) -> dict[str, int]:
    """Count the 429s that were not ordered, by what they came from."""
    freezes = [deed for deed in facts.misdeeds if (deed.word, deed.what) == ("freeze", "sandbox")]
    counts: Counter[str] = Counter()
    for moment, number in facts.over_limit:
        piled_up = any(
            deed.hit and deed.begun <= moment <= deed.end + _PILED_UP for deed in freezes
        )
        counts["calls that piled up in a frozen sandbox" if piled_up else "no such reason"] += (
            number
        )
    return dict(counts)
