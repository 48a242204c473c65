"""What a run orders: whatever is new, or is to be ordered again; written down before it is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.cli.faults import Stopped
from client.cli.inputs import Order
from client.cli.state import AGAIN, LOST, ORDERED, PLANNED, SAVED, Entry, Group, State

_FAILED = {"failed", "canceled", "gone"}
# The service takes 100 MiB in one form.
_MOST_BYTES = 90 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person decided: jobs of one batch, and what may be ordered again."""

    batch_size: int = 100
    retry_failed: bool = False
    order_again: bool = False


def plan(state: State, orders: Sequence[Order], rules: Rules) -> None:
    """Write down new groups for what is new, or is to be ordered again; raise Stopped."""
    # what was never sent is planned anew, as the input is now
    state.groups = [group for group in state.groups if group.sent is not None]
    known = state.latest()
    for _, entry in known.values():
        if entry.status == SAVED and not (state.folder / (entry.file or "")).is_file():
            entry.status = ORDERED  # removed since: it is paid for, and fetched again for nothing
    _refuse_unknown([known[order.mark][0] for order in orders if order.mark in known], rules)
    wanted = [order for order in orders if _is_wanted(known.get(order.mark), rules)]
    taken = state.stems()
    entries = []
    for order in wanted:
        if order.mark in known:
            known[order.mark][1].status = AGAIN
            stem = known[order.mark][1].stem
        else:
            stem = _free(order.stem, taken, state.folder)
        taken.add(stem.lower())
        entries.append(_entry(order, stem))
    for part in _parts(entries, rules.batch_size):
        state.plan(part)


def _refuse_unknown(groups: Sequence[Group], rules: Rules) -> None:
    """Raise Stopped for a group that may have been accepted, and can't be asked for any more."""
    old = [g for g in groups if g.batch_id is None and not g.key_is_kept()]
    old = [g for g in old if any(entry.status == PLANNED for entry in g.entries)]
    if old and not rules.order_again:
        raise Stopped(
            f"{len(old[0].entries)} images may have been ordered more than 23 hours ago, and the"
            " answer never came. See with the command jobs whether they were; then run this again"
            " with --order-again, which may pay for them twice"
        )


def _is_wanted(known: tuple[Group, Entry] | None, rules: Rules) -> bool:
    if known is None:
        return True
    group, entry = known
    if entry.status == AGAIN:
        return True  # and what was to take its place was not accepted
    if entry.status in _FAILED:
        return rules.retry_failed
    unanswered = entry.status == PLANNED and group.batch_id is None and not group.key_is_kept()
    return rules.order_again and (entry.status == LOST or unanswered)


def _parts(entries: Sequence[Entry], most: int) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    size = 0
    for entry in entries:
        more = Path(entry.source).stat().st_size if entry.source else 0
        other = bool(part) and part[0].request != entry.request and entry.kind == "upscale"
        if part and (len(part) >= most or size + more > _MOST_BYTES or other):
            yield part
            part, size = [], 0
        part.append(entry)
        size += more
    if part:
        yield part


def _entry(order: Order, stem: str) -> Entry:
    source = str(order.source.resolve()) if order.source else None
    return Entry(order.mark, order.number, order.kind, dict(order.request), stem, source)


def _free(stem: str, taken: set[str], folder: Path) -> str:
    """Return a name that neither another image of the folder nor a file in it has."""
    there = taken | {path.stem.lower() for path in folder.glob("*")}
    found, number = stem, 1
    while found.lower() in there:
        number += 1
        found = f"{stem}-{number}"
    return found
