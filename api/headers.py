"""What every answer tells a browser not to do with it."""

from flask import Flask, Response, request

# What is no page loads nothing and stands in no frame; pages say for themselves what they load.
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
EVERY: dict[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": _NOTHING,
}
_BY_NAME = {name.lower(): (name, value) for name, value in EVERY.items()}
# A chat or a page elsewhere shows an image by its address; nothing else is shown there.
_SHOWN_ANYWHERE = "/saved_images/<name>"


def register(app: Flask) -> None:
    """Put them on every answer of an app that does not say otherwise itself."""
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    told = {name.lower() for name, _ in response.headers}
    # one walk, where `setdefault` has one for each
    response.headers.extend([each for name, each in _BY_NAME.items() if name not in told])
    shown = str(request.url_rule) == _SHOWN_ANYWHERE
    policy = "cross-origin" if shown else "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = policy
    return response
