"""RQ; who waits reads the stream that a job's result is written to."""

from redis import Redis
from rq import Queue

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.route import LONGEST_SECONDS, create_app, waiting_address

queue = Queue(connection=Redis.from_url(waiting_address()))


def _made(prompt: str) -> str:
    result = queue.enqueue(make_picture, prompt).latest_result(timeout=LONGEST_SECONDS)
    if result is None or result.type != result.Type.SUCCESSFUL:
        raise RuntimeError("No picture was made")
    return str(result.return_value)


app = create_app(_made)
