"""Do what the provider does with a call that is in order: wait, make, charge, keep."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sandbox.calls import Call
from sandbox.errors import ProviderError
from sandbox.faults import Fault, Faults, chance_fault
from sandbox.host import Host
from sandbox.ledger import Ledger
from sandbox.limits import RateLimit
from sandbox.pictures import Made, make
from sandbox.results import Results
from sandbox.settings import Settings
from sandbox.stats import Stats


@dataclass(frozen=True)
class Caller:
    """Hold who calls, as the request's head says, and when (ISO time, after the travel)."""

    key: str
    path: str
    request_id: str
    client: tuple[str | None, ...] = (None, None, None)
    arrived: str = ""


@dataclass(frozen=True)
class Outcome:
    """Hold what to answer: a picture, a started job's id, or neither while a job still cooks."""

    fault: Fault | None = None
    made: Made | None = None
    started: str | None = None
    entry_id: int | None = None


@dataclass
class Provider:
    """Hold the sandbox's whole state; `start` is what a reset goes back to."""

    start: Settings
    host: Host = field(default_factory=Host)
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        """Begin with what the ledger says was already spent."""
        self._begin()

    def _begin(self) -> None:
        self.settings = self.start
        self.balance = self.start.credits - self.ledger.spent()
        self.faults = Faults()
        self.limit = RateLimit()
        self.results = Results()
        self.stats = Stats()

    def reset(self) -> None:
        """Forget everything and go back to the start values, keeping calls in flight counted."""
        in_flight = self.stats.in_flight
        self.ledger.clear()
        self._begin()
        self.stats.in_flight = in_flight

    def change(self, changes: Mapping[str, object]) -> None:
        """Change settings; `credits` sets the balance itself."""
        self.settings = self.settings.changed(changes)
        if "credits" in changes:
            self.balance = self.settings.credits

    def admit(self, key: str) -> None:
        """Count an arrival against the key's rate; raise the 429 if it is over."""
        settings = self.settings
        left = self.limit.seconds_locked(key, self.host.now(), settings.rate, settings.lockout)
        if left:
            self.stats.over_limit += 1
            raise ProviderError(
                "rate_limit_exceeded", retry_after=left if settings.retry_after_header else None
            )

    def leave(self) -> None:
        """Count a call out, in whatever stats are current after a reset."""
        self.stats.leave()

    def accepts(self, key: str) -> bool:
        """Tell whether a key is valid: any that begins with `sk-`, unless told otherwise."""
        valid = self.settings.valid_keys
        return key.startswith("sk-") if valid is None else key in valid

    def make(self, call: Call, caller: Caller) -> Outcome:
        """Do a paid call: nothing is charged before the picture is made."""
        settings = self.settings
        fault = self.faults.take(call.operation.name, call.prompt)
        fault = fault or chance_fault(settings.fail_rate, settings.fail_kinds)
        if fault and not fault.charged:
            return _turned_away(fault)
        self._require(call.price)
        self.host.sleep(self._seconds(call.operation.name) + _slowness(fault))
        work = self._start if call.operation.asynchronous else self._finish
        outcome = work(call, caller, fault)
        if fault and (refusal := fault.refusal()):
            raise refusal
        return outcome

    def collect(self, job_id: str, key: str) -> Outcome:
        """Answer a poll; raise a 404 for a job that is unknown, expired or another key's."""
        job = self.results.find(job_id, key, self.host.now())
        if job is None:
            raise ProviderError("generation_not_found")
        self.stats.early_polls += job.poll(self.host.now())
        if self.host.now() < job.ready_at:
            return Outcome(self.meet("pending", job.call.prompt))
        fault = self.meet("results", job.call.prompt)
        if fault:
            return Outcome(fault, self._drawn(job.call, fault), entry_id=job.entry_id)
        if job.made is None:
            job.made = self._drawn(job.call, job.fault)
            self.ledger.amend(job.entry_id, output_sha256=_sha256(job.made.data))
        return Outcome(job.fault, job.made, entry_id=job.entry_id)

    def meet(self, operation: str, prompt: str = "") -> Fault | None:
        """Return a free call's fault after its slowness; raise the refusal it stands for."""
        fault = self.faults.take(operation, prompt)
        if fault and (refusal := fault.refusal()):
            raise refusal
        self.host.sleep(_slowness(fault))
        return fault

    def delivered(self, outcome: Outcome) -> None:
        """Note that a paid picture's whole answer was handed to the socket."""
        if outcome.entry_id is not None:
            self.ledger.amend(outcome.entry_id, delivered=True)

    def _finish(self, call: Call, caller: Caller, fault: Fault | None) -> Outcome:
        made = self._drawn(call, fault)
        return Outcome(fault, made, entry_id=self._charge(call, caller, made, fault))

    def _start(self, call: Call, caller: Caller, fault: Fault | None) -> Outcome:
        # When the provider charges an asynchronous job is not established; the start is the
        # harder case for a client, because an answer that gets lost there was paid for.
        entry_id = self._charge(call, caller, None, fault)
        ready_at = self.host.now() + self.settings.latency.creative_cook
        kept = fault if fault and fault.spoils_picture else None
        job = self.results.start(caller.key, call, kept, entry_id=entry_id, ready_at=ready_at)
        return Outcome(fault, started=job.id)

    def _drawn(self, call: Call, fault: Fault | None) -> Made:
        return self.host.compute(partial(make, call, fault.kind if fault else None))

    def _require(self, price: int) -> None:
        if self.balance < price:
            raise ProviderError("payment_required")

    def _charge(self, call: Call, caller: Caller, made: Made | None, fault: Fault | None) -> int:
        # Asked again because other calls may have spent the credits during the drawing.
        self._require(call.price)
        self.balance -= call.price
        client_id, client_user_id, client_version = caller.client
        return self.ledger.add(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "arrived": caller.arrived,
                "path": caller.path,
                "operation": call.operation.name,
                "model": call.model,
                "credits": call.price / 1000,
                "seed": call.seed,
                "fields": dict(call.fields),
                "input_sha256": _sha256(call.upload) if call.upload is not None else None,
                "output_sha256": _sha256(made.data) if made else None,
                "client_id": client_id,
                "client_user_id": client_user_id,
                "client_version": client_version,
                "fault": fault.kind if fault else None,
                "delivered": False,
                "request_id": caller.request_id,
            }
        )

    def _seconds(self, operation: str) -> float:
        latency = self.settings.latency
        if operation == "upscale/creative":
            seconds = latency.creative_start
        else:
            seconds = latency.upscale if operation.startswith("upscale/") else latency.generate
        return seconds + random.uniform(0, self.settings.jitter)


def _turned_away(fault: Fault) -> Outcome:
    if refusal := fault.refusal():
        raise refusal
    return Outcome(fault)


def _slowness(fault: Fault | None) -> float:
    return fault.number("seconds") if fault and fault.kind == "slow" else 0.0


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
