"""How an image that is there is sent: by this service, or by the bucket in which it lies."""

import re
import time

from flask import Response, request, send_file
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from shared.image_file import CONTENT_TYPES
from shared.image_store import Picture
from shared.services import Services
from shared.settings import Settings

_MAX_AGE_SECONDS = 86_400
# For how long an address in the bucket is good; whoever was sent there goes at once.
SIGNED_SECONDS = 300
_ONE_RANGE = re.compile(r"bytes=\s*(\d+-\d*|-\d+)\s*")


def elsewhere(name: str, services: Services) -> Response | None:
    """Return a redirect to the bucket, if that is wanted and what is asked for can be had there."""
    if not services.settings.signed_redirect or request.method != "GET" or _is_download():
        return None
    url = services.images.signed_url(name, SIGNED_SECONDS)
    if url is None:
        return None
    response = Response(status=302)
    response.headers["Location"] = url
    response.headers["Cache-Control"] = "no-store"  # the address is good for minutes
    return response


def whole(picture: Picture, name: str, settings: Settings) -> Response:
    """Answer an image, or the one range of it that is asked for: memory holds a piece at a time."""
    token, _, extension = name.partition(".")
    if request.method != "GET" or not _ONE_RANGE.fullmatch(request.headers.get("Range", "")):
        # several ranges, or of something else than bytes: RFC 9110 lets the whole be sent
        request.environ.pop("HTTP_RANGE", None)
    else:
        # the server's own wrapper of files reads and drops what comes before the range
        request.environ.pop("wsgi.file_wrapper", None)
    file = picture.open()
    response = send_file(
        file,
        mimetype=CONTENT_TYPES[extension],
        as_attachment=_is_download(),
        download_name=name,
        etag=token,
        last_modified=picture.modified,
        max_age=_max_age(picture, settings),
        conditional=False,
    )
    response.content_length = picture.size
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=picture.size)
    except RequestedRangeNotSatisfiable:
        file.close()
        raise
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _is_download() -> bool:
    return request.args.get("download") == "1"


def _max_age(picture: Picture, settings: Settings) -> int:
    """Return for how many seconds a copy may be kept: to its end, which counts from its writing."""
    if not settings.image_ttl_ms:
        return _MAX_AGE_SECONDS
    left = picture.modified + settings.image_ttl_ms / 1000 - time.time()
    return min(max(0, int(left)), _MAX_AGE_SECONDS)
