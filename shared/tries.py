"""Which request is it that comes again? For clients that say that it does, and by no key which."""

from redis import Redis

from shared.jobs import new_job_id
from shared.scripts import Scripts


class Tries:
    """The requests of each owner within the last hour, by what they ask for; may raise StoreUnavailable.

    Several that ask for the same, at once, are told apart as far as anybody can: what comes again is
    taken for one of them that has no answer yet, and each time for another.
    """

    def __init__(self, redis: "Redis") -> None:
        self._run = Scripts(redis).run

    def begin(self, owner: str, asked: str, *, again: bool) -> str:
        """Return the name of a request: a fresh one or, when it comes again, that of its first try."""
        name: str = self._run("name_try", owner, asked, new_job_id(), "again" if again else "new")
        return name

    def end(self, owner: str, asked: str, name: str, *, answered: bool) -> None:
        """Note that a request is not served any more: it was told its end, or not."""
        self._run("name_try", owner, asked, name, "answered" if answered else "free")
