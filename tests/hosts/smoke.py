"""The smallest use of the network: `python -m tests.hosts.smoke` tells what a cut host looks like."""

import errno
import socket
import sys
from contextlib import closing

from tests.chaos.processes import Guard
from tests.e2e.stack import eventually
from tests.hosts.network import Host, isolate
from worker.arrivals import overdue

_PORT, _SECONDS = 8000, 0.5
_SERVER = f"""
import socket
server = socket.create_server(("0.0.0.0", {_PORT}))
held = []
while True:
    held.append(server.accept()[0])
"""
# An address for documents, which is nowhere; it must not even be tried.
_ELSEWHERE = "192.0.2.1"


def meet(address: str) -> str:
    """Return what comes of connecting."""
    try:
        socket.create_connection((address, _PORT), _SECONDS).close()
    except TimeoutError:
        return "time-out"
    except OSError as error:
        return "no way" if error.errno == errno.ENETUNREACH else str(error)
    return "answers"


def main() -> None:
    """Cut a host off and heal it."""
    isolate("tests.hosts.smoke")
    with closing(Guard()) as guard:
        host = Host(11, ("back",), guard)
        host.launch([sys.executable, "-c", _SERVER])
        address = host.address("back")
        eventually(lambda: meet(address) == "answers", what="the start")
        print("well:", meet(address))
        with socket.create_connection((address, _PORT), _SECONDS) as connection:
            connection.send(b"arrives")
            print("overdue:", not eventually(lambda: not overdue(connection)))
            host.cut("back")
            print("cut:", meet(address))
            connection.send(b"does not")
            print("overdue:", eventually(lambda: overdue(connection)))
            host.heal("back")
            print("overdue:", not eventually(lambda: not overdue(connection)))
        print("well:", eventually(lambda: meet(address) == "answers" and "answers"))
        print("outside:", meet(_ELSEWHERE))


if __name__ == "__main__":
    main()
