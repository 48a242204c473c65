"""The verdict as a table that a person can read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from tests.chaos.judge import Misdeed, Verdict

_WIDTH = 58
_SHOWN = 20


def table(
    title: str, misdeeds: Sequence[Misdeed], counts: Mapping[str, int], verdict: Verdict
) -> str:
    """Return the whole table; what missed its target is told one by one at its end."""
    told = "Every target is met." if verdict.acquitted else "A TARGET IS MISSED."
    return "\n".join([title, "", *_misdeeds(misdeeds), "", *books(counts, verdict), "", told])


def books(counts: Mapping[str, int], verdict: Verdict) -> list[str]:
    """Return the lines that tell what callers met, how jobs ended, and which targets were missed."""
    return [
        *_orders(counts, verdict),
        "",
        *_ends(verdict),
        "",
        *_targets(verdict),
        *_complaints(verdict),
    ]


def timeline(misdeeds: Sequence[Misdeed]) -> str:
    """Return what was done and when, one a line, to be read beside the logs."""
    lines = [
        f"{datetime.fromtimestamp(deed.begun, UTC):%H:%M:%S} {deed.word} {deed.what}"
        f" {deed.end - deed.begun:.1f} s{'' if deed.hit else ' (in vain)'}\n"
        for deed in misdeeds
    ]
    return "".join(lines)


def _misdeeds(misdeeds: Sequence[Misdeed]) -> list[str]:
    hit = Counter((deed.word, deed.what) for deed in misdeeds if deed.hit)
    missed = Counter((deed.word, deed.what) for deed in misdeeds if not deed.hit)
    lines = [f"{'What was done':<{_WIDTH}} times  in vain"]
    for word, name in _WORDS.items():
        found = sorted({what for kind, what in hit | missed if kind == word})
        if word in {"kill", "freeze"}:
            lines += [_row(f"{name} {what}", hit[word, what], missed[word, what]) for what in found]
        else:
            total = sum(hit[word, what] for what in found)
            lines.append(_row(f"{name} ({len(found)} kinds)", total, _in_vain(missed, word)))
    longest = [deed for deed in misdeeds if deed.word == "freeze" and deed.hit and deed.ended]
    lines.append(f"  Freezes of more than 30 s: {sum(map(_long, longest))}")
    return lines


_WORDS = {
    "kill": "SIGKILL of",
    "freeze": "SIGSTOP of",
    "fault": "faults ordered from the sandbox",
    "setting": "moods of the sandbox",
}


def _in_vain(missed: Counter[tuple[str, str]], word: str) -> int:
    return sum(number for (kind, _), number in missed.items() if kind == word)


def _long(deed: Misdeed) -> bool:
    return (deed.ended or deed.begun) - deed.begun > 30


def _orders(counts: Mapping[str, int], verdict: Verdict) -> list[str]:
    lines = [f"{'What callers met':<{_WIDTH}} times"]
    lines += [_row(what, number) for what, number in sorted(counts.items())]
    return [*lines, _row("jobs accepted", verdict.accepted)]


def _ends(verdict: Verdict) -> list[str]:
    lines = [f"{'How the jobs ended':<{_WIDTH}}  jobs"]
    for (status, code), number in sorted(verdict.ends.items(), key=lambda end: -end[1]):
        lines.append(_row(f"{status} {code}".strip(), number))
    return lines


def _targets(verdict: Verdict) -> list[str]:
    paid = len(verdict.paid_twice)
    reasons = Counter(found.why for found in verdict.paid_twice if found.why)
    lines = [f"{'Verdict':<{_WIDTH}} found  target"]
    lines.append(_target("lost jobs", verdict.lost))
    lines.append(_row("calls that the provider charged", verdict.charged))
    lines.append(_row("second payments for one job", paid))
    lines += [_row(f"  cut in two by {why}", number) for why, number in reasons.most_common()]
    lines.append(_target("  unexplained", verdict.unexplained))
    met = "ok" if verdict.repeats_counted >= paid else "MISSED"
    name = "repeats with unknown outcome, counted by the service"
    lines.append(f"  {name:<{_WIDTH - 2}} {verdict.repeats_counted:>5}  >= {paid}  {met}")
    lines.append(_target("second payments that their job does not count", verdict.uncounted))
    lines.append(_target("broken pictures", verdict.broken))
    lines.append(_target("keys with more than one job", verdict.double_jobs))
    lines.append(_target("orders that were never answered", verdict.unanswered))
    lines.append(_target("orders that were refused", verdict.refused))
    lines.append(_row("429s besides those ordered", sum(verdict.over_limit.values())))
    lines += [_row(f"  {why}", number) for why, number in verdict.over_limit.items()]
    return lines


def _complaints(verdict: Verdict) -> list[str]:
    lines = [
        *_listed("lost", verdict.lost),
        *_listed("paid twice for no reason", verdict.unexplained),
        *_listed("not counted", verdict.uncounted),
        *_listed("broken", verdict.broken),
        *_listed("two jobs for one key", verdict.double_jobs),
        *_listed("never answered", verdict.unanswered),
        *_listed("refused", verdict.refused),
    ]
    return ["", *lines] if lines else []


def _listed(name: str, found: Iterable[str]) -> list[str]:
    found = list(found)
    more = [f"{name}: and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [*(f"{name}: {one}" for one in found[:_SHOWN]), *more]


def _row(name: str, *numbers: int) -> str:
    return f"  {name:<{_WIDTH - 2}} {'  '.join(f'{number:>5}' for number in numbers)}"


def _target(name: str, found: Sequence[str]) -> str:
    return f"{_row(name, len(found))}     0  {'MISSED' if found else 'ok'}"
