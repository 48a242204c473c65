"""How the command line ends: its exit codes, and which trouble means which."""

from client.errors import (
    BudgetExceeded,
    ClientError,
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    LimitReached,
    ServiceFault,
    Unauthorized,
    Unreachable,
)

DONE, FAILED, USAGE, NO_SERVICE, REFUSED, INTERRUPTED, NO_READER = 0, 1, 2, 3, 4, 130, 141
EXPLAINED = """\
exit codes:
  0    everything asked for is done
  1    something failed, was canceled, or is not there
  2    the command or a field of it is wrong
  3    the service could not be reached, or failed
  4    the service refused: client key, limits, credits of the day
  130  interrupted (Ctrl-C); 141: whoever read the output has gone"""

_CODES: tuple[tuple[type[ClientError], int], ...] = (
    (InvalidRequest, USAGE),
    (IdempotencyKeyReused, USAGE),
    (Unauthorized, REFUSED),
    (Forbidden, REFUSED),
    (BudgetExceeded, REFUSED),
    (LimitReached, REFUSED),
    (Unreachable, NO_SERVICE),
    (ServiceFault, NO_SERVICE),
)


def unsure(key: str) -> str:
    """Return what to do about an order of which nobody knows whether it was taken."""
    return (
        "It may have been ordered. To order it again and pay once, give the same command with"
        f" --idempotency-key {key}"
    )


def key_advice(*, given: bool) -> str:
    """Return what to do when the service asks for a client key, by whether one was shown."""
    what = "does not know the client key that was given" if given else "was shown no client key"
    return f"It {what}: put yours into IMAGE_API_KEY, or into a file for --key-file"


class UsageFault(Exception):
    """What was asked for can't be done as it was asked; the message says what can."""


class Stopped(Exception):
    """A run can't go on without a person's decision; the message says which."""


def code_of(error: ClientError) -> int:
    """Return the exit code for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
