"""What goes wrong and when, decided from a seed beforehand, so that a run can be repeated."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

# Of this service; "api" is the master of the web processes, "web" one of these.
PARTS = ("worker", "second worker", "redis", "sandbox", "api", "web")
# Longer than a worker's lease (30 s).
LONG_FREEZE = 33.0
# How long before the end a misdeed must be over, so that what it leaves behind is soon done: a lost
# worker's jobs wait for its lease, and who asks with a refused key waits a minute before the next time.
_LAST_SECONDS = 3.0
_LAST_LOSS_SECONDS = 15.0
_LAST_REFUSAL_SECONDS = 90.0
_TIMED_OUT = 3.0
_WAKE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Deed:
    """One misdeed: `at` seconds from the beginning, something happens to `what` for `seconds`.

    A "fault" is met by the next calls that it is meant for; a "setting" holds until it is taken
    back. `order` is what the sandbox is told.
    """

    word: Literal["kill", "freeze", "fault", "setting"]
    what: str
    seconds: float = 0.0
    order: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0


def plan(seed: int, seconds: float, provider_timeout: float) -> list[Deed]:
    """Return all misdeeds of a run, in order; every part is killed in the first minute."""
    freezes, disasters, faults, moods = (
        random.Random(f"{seed}:{name}") for name in ("freezes", "disasters", "faults", "moods")
    )
    long = list(_long_freezes(freezes, seconds))
    deeds = [
        *_opening(disasters, seconds),
        *long,
        # what stands still for long is left alone, or it would not
        *(deed for deed in _disasters(disasters, seconds) if not _frozen(deed, long)),
        *_faults(faults, seconds, provider_timeout),
        *_moods(moods, seconds),
    ]
    kept = [deed for deed in deeds if _ends_in_time(deed, seconds)]
    return sorted(kept, key=lambda deed: deed.at)


def _ends_in_time(deed: Deed, seconds: float) -> bool:
    last = {
        "refused key": _LAST_REFUSAL_SECONDS,
        "worker": _LAST_LOSS_SECONDS,
        "second worker": _LAST_LOSS_SECONDS,
    }.get(deed.what, _LAST_SECONDS)
    return deed.at + deed.seconds + last <= seconds


def _opening(rng: random.Random, seconds: float) -> Iterator[Deed]:
    """Freeze a worker for longer than its lease, and meanwhile kill one part after the other."""
    yield Deed("freeze", "second worker", LONG_FREEZE, at=1.5)
    others = [part for part in PARTS if part != "second worker"]
    rng.shuffle(others)
    # the frozen one comes last, so that it has woken up before it dies
    last = _opening_ends(seconds)
    for number, part in enumerate([*others, "second worker"]):
        yield Deed("kill", part, at=5 + (last - 5) * number / len(others))


def _opening_ends(seconds: float) -> float:
    return min(38.0, seconds * 0.7)


def _long_freezes(rng: random.Random, seconds: float) -> Iterator[Deed]:
    """Freeze one part after the other for longer than a lease, with time to recover in between."""
    at = _opening_ends(seconds)
    while at < seconds:
        for part in rng.sample(PARTS, len(PARTS)):
            at += rng.uniform(10, 30)
            freeze = Deed("freeze", part, rng.uniform(LONG_FREEZE, LONG_FREEZE + 7), at=at)
            at += freeze.seconds
            yield freeze


def _disasters(rng: random.Random, seconds: float) -> Iterator[Deed]:
    """Kill at random after the opening, and freeze for a moment, one part every few seconds."""
    at = _opening_ends(seconds)
    while at < seconds:
        kills = [Deed("kill", part) for part in PARTS for _ in range(2)]
        short = [Deed("freeze", part, rng.uniform(2, 8)) for part in PARTS]
        for deed in rng.sample([*kills, *short], len(kills) + len(short)):
            at += rng.uniform(5, 10)
            yield replace(deed, at=at)


def _frozen(deed: Deed, freezes: Sequence[Deed]) -> bool:
    """Tell whether a part is frozen when a misdeed would befall it."""
    return any(
        deed.what == freeze.what
        and deed.at < freeze.at + freeze.seconds + _WAKE_SECONDS
        and deed.at + deed.seconds + _WAKE_SECONDS > freeze.at
        for freeze in freezes
    )


def _faults(rng: random.Random, seconds: float, provider_timeout: float) -> Iterator[Deed]:
    """Yield the sandbox's faults, each once before any comes again."""
    at = 2.0
    while at < seconds:
        deck = [*_broken(provider_timeout), *_refusals(), *_spoilt(), *_of_results()]
        rng.shuffle(deck)
        for deed in deck:
            at += rng.uniform(2, 4.5)
            yield replace(deed, at=at)


def _broken(provider_timeout: float) -> list[Deed]:
    """Return what leaves the outcome of a call unknown, most of it after the charge."""
    too_long = provider_timeout + _TIMED_OUT
    return [
        _fault("cut", kind="cut"),
        _fault("cut", kind="cut", operation="upscale/creative"),
        _fault("reset", kind="reset"),
        _fault("reset, uncharged", kind="reset", charged=False),
        _fault("hang up", kind="hang", seconds=5, charged=True),
        _fault("time-out", kind="slow", seconds=too_long),
        _fault("502, charged", kind="status", status=502, html=True, charged=True),
        _fault("504", kind="status", status=504, html=True),
    ]


def _refusals() -> list[Deed]:
    return [
        _fault("500", kind="status", status=500, count=3),
        _fault("503", kind="status", status=503, html=True, count=3),
        _fault("429", kind="429", retry_after=3),
        _fault("moderated", kind="moderated"),
        _fault("public figure", kind="public_figure"),
        _fault("invalid language", kind="invalid_language"),
        _fault("401", kind="unauthorized"),
        _fault("402", kind="payment_required"),
    ]


def _spoilt() -> list[Deed]:
    """Return what is charged and is not the picture that was asked for."""
    return [
        _fault("filtered", kind="filtered"),
        _fault("another format", kind="wrong_format", count=2),
        _fault("half the size", kind="wrong_size"),
        _fault("truncated image", kind="truncated_image"),
        _fault("no image", kind="not_image"),
        _fault("no reason", kind="no_finish_reason"),
        _fault("empty body", kind="empty"),
        _fault("huge body", kind="huge", bytes=2_000_000),
        _fault("drip", kind="drip", seconds=4),
    ]


def _of_results() -> list[Deed]:
    """Return what happens to a question for what cooks, and to one for the balance."""
    return [
        _fault("cut result", kind="cut", operation="results"),
        _fault("500 for a result", kind="status", status=500, operation="results"),
        _fault("502 while it cooks", kind="status", status=502, operation="pending"),
        _fault("503 for the balance", kind="status", status=503, operation="balance"),
    ]


def _moods(rng: random.Random, seconds: float) -> Iterator[Deed]:
    """Yield settings that hold for some seconds; after each it takes a while until all goes on."""
    moods = [
        Deed("setting", "slow", 6, {"latency": {"generate": 5, "upscale": 5}}),
        Deed("setting", "down", 5, {"down": True}),
        Deed("setting", "no credits", 4, {"credits": 0}),
        Deed("setting", "refused key", 4, {"valid_keys": []}),
        Deed("setting", "failing", 5, {"fail_rate": 0.5, "fail_kinds": ["status"]}),
    ]
    at = 0.0
    while at < seconds:
        for mood in rng.sample(moods, len(moods)):
            at += rng.uniform(25, 50)
            yield replace(mood, at=at)


def _fault(what: str, **order: Any) -> Deed:
    return Deed("fault", what, order=order)
