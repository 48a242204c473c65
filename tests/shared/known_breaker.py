"""What the model of the job store knows of the breaker."""

from dataclasses import dataclass

TO_OPEN = 5


@dataclass
class KnownBreaker:
    """The breaker as its contract says, job by job."""

    state: str = "closed"
    why: str = ""
    failures: int = 0
    first: str = ""
    sure: bool = False
    trial: str = ""

    def fails(self, job_id: str, why: str, sure: bool) -> str:
        """Note a failure; return what it means."""
        if self.state == "closed":
            self.failures += 1
            self.first = self.first or job_id
            self.sure = self.sure or sure or self.first != job_id
            if why == "provider_unavailable" and not (self.failures >= TO_OPEN and self.sure):
                return "closed"
        elif self.state == "half_open" and job_id != self.trial:
            return "open"
        elif why in {self.why, "provider_unavailable"}:
            if self.state == "half_open":
                self.opens(why)
            return "open"
        self.opens(why)
        return "opened"

    def opens(self, why: str) -> None:
        """Open it."""
        self.__init__("open", why)  # type: ignore[misc]

    def answers(self, job_id: str) -> None:
        """Note a good answer."""
        if self.state == "closed" or (self.state == "half_open" and job_id == self.trial):
            self.__init__()  # type: ignore[misc]

    def probed(self, outcome: str) -> None:
        """Note how a probe went."""
        if self.state != "open":
            return
        if outcome == "ok":
            self.state, self.trial = "half_open", ""
        else:
            self.why = outcome

    def asks(self) -> bool:
        """Tell whether results are asked for."""
        return not (self.state == "open" and self.why == "provider_auth")

    def begins(self, job_id: str) -> bool:
        """Tell whether the paid call of a job may go out."""
        return self.state == "closed" or (self.state == "half_open" and self.trial == job_id)
