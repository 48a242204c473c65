"""Requests a minute: every request of a caller counts once, but for those that only come again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, Response, g, request

from api.auth import asked_rule, caller, is_open
from api.openapi.endpoints import REPLAYABLE
from shared.over_limit import TooManyRequests
from shared.services import Services


def register(app: Flask, services: Services) -> None:
    """Count every request of an app before anything is done for it, and tell what is left."""

    def check() -> None:
        rule = asked_rule()
        if not is_open(rule) and (request.method, rule) not in REPLAYABLE:
            _count(services)

    app.before_request(check)
    app.after_request(_tell)


@contextmanager
def counted(services: Services) -> Iterator[Callable[[], None]]:
    """Count the current request when this ends, also by a fault, unless it was told to be free.

    A replay is answered before every limit, and what a request is shows only when it has been read.
    Raises TooManyRequests.
    """
    free: list[bool] = []
    try:
        yield lambda: free.append(True)
    finally:
        if not free:
            _count(services)


def _count(services: Services) -> None:
    g.allowance = services.requests.take(caller().owner)


def _tell(response: Response) -> Response:
    allowance = g.get("allowance")
    if allowance:
        name = f'"{TooManyRequests.policy}"'
        policy = f"{name};q={allowance.most};w={TooManyRequests.window}"
        left = f"{name};r={allowance.left};t={allowance.seconds}"
        _add(response, "RateLimit-Policy", policy)
        _add(response, "RateLimit", left)
    return response


def _add(response: Response, header: str, item: str) -> None:
    """Put an item before those of another limit, if the answer tells of one."""
    told = response.headers.get(header)
    response.headers[header] = f"{item}, {told}" if told else item
