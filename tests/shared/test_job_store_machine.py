"""The job store and its breaker against a small model of them, through any sequence of moves."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from redis import Redis

from shared.breaker import Breaker, Why
from shared.scripts import PREFIX
from tests.shared.machine import WHICH, Machine

WHY = st.sampled_from(["provider_unavailable", "provider_auth", "provider_credits"])


class WithBreaker(Machine):
    """Let the provider fail, answer and be probed in between."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Breaker(self.redis)

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, why=WHY, sure=st.booleans(), times=st.sampled_from([1, 5]))
    def calls_fail(self, which: int, why: Why, sure: bool, times: int) -> None:
        job_id, _ = self.pick(which)
        for _ in range(times):
            verdict = self.real.note_failure(job_id, why, sure=sure)

            assert verdict == self.breaker.fails(job_id, why, sure)

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def a_call_is_answered(self, which: int) -> None:
        job_id, _ = self.pick(which)
        self.real.note_answer(job_id)
        self.breaker.answers(job_id)

    @rule(cancel=st.booleans())
    def a_call_goes_out(self, cancel: bool) -> None:
        # one step: by chance alone a job seldom comes so far
        self.dispatch()
        for job_id in self.standing("dispatched")[:1]:
            which = list(self.jobs).index(job_id)
            self.claim(which, "c1")
            self.begin(which, "c1")
            if cancel:
                self.cancel({which})

    @rule(outcome=WHY | st.just("ok"))
    def a_probe_is_made(self, outcome: Why) -> None:
        if self.breaker.state == "open":
            self.redis.hset(f"{PREFIX}breaker", "probe_at", 1)
        taken = self.real.take_probe()
        again = Breaker(self.redis).take_probe()

        assert (taken is not None, again) == (self.breaker.state == "open", None)
        if taken:
            assert taken.why == self.breaker.why
            self.real.tell_probe(outcome)
            self.breaker.probed(outcome)
            state = self.real.state()
            assert (state.state, state.why) == (self.breaker.state, self.breaker.why)


def test_any_sequence_of_moves_goes_as_the_model_says(redis_client: "Redis") -> None:
    machine = type("Bound", (WithBreaker,), {"redis": redis_client})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
