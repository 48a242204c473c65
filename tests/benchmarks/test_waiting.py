"""What the benchmark of waiting callers computes, and that its callers see what they are answered."""

import math
import multiprocessing
import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from benchmarks.callers import Ask, call_all, hold
from benchmarks.waiting import Held, ends_a_second, in_short, plot, row, since_the_end
from tests.benchmarks.door import door
from tests.builders import a_job

HELD = Held(
    "stream",
    6,
    30_000,
    0.006,
    [[0.01, 0.02], [0.03], [0.05]],
    [0.1, 0.4],
    0.5,
    98.7,
    1,
    [0.001, 0.002],
)


def test_a_caller_is_answered_rightly_when_the_answer_is_whole_and_holds_what_it_should() -> None:
    begun = time.time()

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        return (503 if request.path == "/away" else 200), b"a fox"

    with (
        door(answer) as port,
        hold(port, [Ask("/", (b"a fox",)), Ask("/", (b"a dog",)), Ask("/away")]) as crowd,
    ):
        answers = crowd.answers()

    assert list(answers.right) == [True, False, False]
    assert all(begun < moment < time.time() for moment in answers.moments)


def test_callers_end_when_nobody_is_left_to_ask_for_their_answers() -> None:
    ours, theirs = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        callers = threading.Thread(target=call_all, args=[theirs, port, [Ask("/")]], daemon=True)
        callers.start()
        connection, _ = silent.accept()
        with connection:
            ours.close()
            callers.join(10)
    assert not callers.is_alive()
    theirs.close()


def test_a_wake_up_is_told_from_its_jobs_end() -> None:
    jobs = [a_job(), a_job(), a_job()]
    ended = [replace(job, finished=1_000 * number) for number, job in enumerate(jobs, 1)]

    told = since_the_end(reversed(ended), jobs, [1.25, 0.0, 3.5])

    assert told == [0.25, None, 0.5]


def test_the_rate_is_told_at_which_jobs_ended() -> None:
    ended = [replace(a_job(), finished=1_000 + 20 * number) for number in range(11)]
    other = replace(a_job(), finished=9_000)

    assert ends_a_second([other, *ended], {job.id for job in ended}) == pytest.approx(50)
    assert math.isnan(ends_a_second([], set()))


def test_a_row_tells_medians_of_the_rounds_between_the_extremes() -> None:
    told = row(HELD)

    assert told[:5] == ["stream", 6, "5", 1, "99"]
    assert told[5:8] == ["30 (10 to 50)", "30 (20 to 50)", "30 (20 to 50)"]
    assert told[8:] == ["4", "400", "1.00", "2"]


def test_a_plot_has_a_line_for_each_kind_by_the_number_of_callers() -> None:
    series = dict(plot([HELD, replace(HELD, callers=2)]).series)

    assert sorted(series) == ["stream, p50", "stream, p99"]
    assert [callers for callers, _ in series["stream, p99"]] == [2, 6]


def test_the_largest_crowds_are_told_in_short() -> None:
    told = in_short([replace(HELD, callers=2, wrong=5), HELD, replace(HELD, memory=60_000)])

    assert told == (
        "6 callers hold 10 KB each at most and are woken within 50 ms (p99 of the slowest round);"
        " 2 answers wrong or missing"
    )


def test_who_was_never_woken_leaves_a_row_without_times() -> None:
    nobody = replace(HELD, rounds=[[], [], []], rest=[], wrong=6)

    assert row(nobody)[3:10] == [6, "99", "", "", "", "", ""]
    assert plot([nobody]).series == {}
