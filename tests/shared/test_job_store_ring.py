"""The order of turns against a plain ring, through any sequence of orders, as each job was told it."""

from collections import deque
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from shared.batches import Batch
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.jobs import new_job_id
from tests.builders import a_job, known
from tests.shared.test_job_store_turns import turns

ORDERS = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "c"]), st.booleans(), st.integers(0, 2)),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(orders=ORDERS)
def test_turns_go_as_a_plain_ring_says_and_as_each_job_was_told(
    store: JobStore, index: JobIndex, redis_client: "Redis", orders: list[tuple[str, bool, int]]
) -> None:
    """Each order is (owner, of a batch, turns that are taken before it comes)."""
    redis_client.flushdb()
    ring, taken, expected = Ring(), list[str](), list[str]()
    for number, (owner, of_batch, before) in enumerate(orders):
        for _ in range(min(before, len(ring))):
            taken += turns(store, 1)
            expected.append(ring.turn())
        job = a_job(id=f"{number:032x}", owner=owner)
        batch = Batch(id=new_job_id(), owner=owner)
        if of_batch:
            store.accept_batch(batch, [replace(job, batch=batch.id)], 10_000)
        else:
            store.accept(job, 10_000)
        ring.add(owner, of_batch, job.id)

    told = {job_id: index.outlook(known(store, job_id)).position for job_id in ring.waiting()}
    rest = turns(store, len(ring))

    assert [*taken, *rest] == [*expected, *(ring.turn() for _ in range(len(ring)))]
    assert [told[job_id] for job_id in rest] == list(range(1, len(rest) + 1))


class Ring:
    """The rule in a few lines: the owners in turn, each with two lanes and a count of its turns."""

    def __init__(self) -> None:
        self.owners: deque[str] = deque()
        self.lanes: dict[str, tuple[list[str], list[str]]] = {}
        self.count: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.waiting())

    def waiting(self) -> list[str]:
        """Return the ids that wait."""
        return [job_id for lanes in self.lanes.values() for lane in lanes for job_id in lane]

    def add(self, owner: str, of_batch: bool, job_id: str) -> None:
        """Put a job into its owner's lane."""
        if owner not in self.owners:
            self.owners.append(owner)
            self.lanes[owner], self.count[owner] = ([], []), 0
        self.lanes[owner][of_batch].append(job_id)

    def turn(self) -> str:
        """Return the job whose turn it is."""
        owner = self.owners.popleft()
        alone, batch = self.lanes[owner]
        lane = alone or batch
        if alone and batch:
            self.count[owner] += 1
            lane = alone if self.count[owner] % 10 else batch
        job_id = lane.pop(0)
        if alone or batch:
            self.owners.append(owner)
        else:
            del self.lanes[owner]
        return job_id
