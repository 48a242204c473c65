"""Which request is it that comes again? For clients that say that it does, and by no key which."""

from redis import Redis

from shared.jobs import new_job_id
from shared.scripts import Scripts

_ANSWERED_MS = 3_600_000
# Beyond the longest wait. What is refused is kept no longer: who is over a limit would fill Redis.
_MORE_SECONDS = 300


class Tries:
    """The latest requests of each owner, by what they ask for; may raise StoreUnavailable.

    Several that ask for the same, at once, are told apart as far as anybody can: what comes again is
    taken for one of them that has no answer yet, and each time for another.
    """

    def __init__(self, redis: "Redis", longest_wait: float = 0) -> None:
        """Keep what was answered for an hour, else `longest_wait` seconds and five minutes."""
        self._run = Scripts(redis).run
        self._ms = round((longest_wait + _MORE_SECONDS) * 1000)

    def begin(self, owner: str, asked: str, *, again: bool) -> str:
        """Return the name of a request: a fresh one or, when it comes again, that of its first try."""
        becomes = "again" if again else "new"
        name: str = self._run("name_try", owner, asked, new_job_id(), becomes, self._ms)
        return name

    def end(self, owner: str, asked: str, name: str, *, answered: bool) -> None:
        """Note that a request is not served any more: it was told its end, or not."""
        becomes, ms = ("answered", _ANSWERED_MS) if answered else ("free", self._ms)
        self._run("name_try", owner, asked, name, becomes, ms)
