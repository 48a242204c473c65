"""Does what listens at a port here answer? `python -m shared.alive PORT PATH` exits with 0 if so.

For the health checks of containers. Not by urllib, which would ask a proxy that the environment names.
"""

import http.client
import sys

_SECONDS = 3.0


def answer(port: int, path: str) -> int | str:
    """Return the status of a GET on loopback, or why there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """Say what was answered; return the exit code."""
    if len(arguments) != 2 or not arguments[0].isdecimal():
        print("usage: python -m shared.alive PORT PATH", file=sys.stderr)
        return 2
    told = answer(int(arguments[0]), arguments[1])
    print(told)
    return int(told != http.client.OK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
