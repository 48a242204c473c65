"""Which request is it that comes again? For clients that say that it does, and by no key which."""

from redis import Redis

from shared.jobs import new_job_id
from shared.scripts import Scripts

# Beyond the longest wait. OpenAI's packages take an answer for lost after ten minutes at the latest,
# unless told otherwise; for much longer, who calls anew after an outage would be given an old image.
_MORE_SECONDS = 900


class Tries:
    """The latest requests of each owner, by what they ask for; may raise StoreUnavailable.

    Several that ask for the same, at once, are told apart as far as anybody can: what comes again is
    taken for one of them that has no answer yet, and each time for another.
    """

    def __init__(self, redis: "Redis", longest_wait: float = 0) -> None:
        """Keep each for `longest_wait` seconds and a quarter of an hour."""
        self._run = Scripts(redis).run
        self._ms = round((longest_wait + _MORE_SECONDS) * 1000)

    def begin(self, owner: str, asked: str, *, again: bool) -> str:
        """Return the name of a request: a fresh one or, when it comes again, that of its first try."""
        becomes = "again" if again else "new"
        name: str = self._run("name_try", owner, asked, new_job_id(), becomes, self._ms)
        return name

    def end(self, owner: str, asked: str, name: str, *, answered: bool) -> None:
        """Note that a request is not served any more: it was told its end, or not."""
        self._run("name_try", owner, asked, name, "answered" if answered else "free", self._ms)
