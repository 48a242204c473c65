"""Where the image to enlarge comes from: the request holds it, or names it and it is fetched."""

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from api.bodies import Body
from api.complaints import Complaint, complaint
from api.uploads import (
    FIELD,
    Upload,
    check_bytes,
    examine,
    images_in,
    read_upload,
    unknown_files,
)
from shared.errors import (
    AnswerTooLarge,
    BrokenImage,
    Conflict,
    InvalidRequest,
    OutboundFault,
    PayloadTooLarge,
)
from shared.hosts import is_loopback
from shared.image_file import inspect
from shared.image_store import StorageAway
from shared.outbound import Outbound, check_written
from shared.services import Services
from shared.settings import Settings
from shared.urls import Target, read_url

URL_FIELD = "image_url"
# What a Custom GPT's action sends; the name is OpenAI's.
REFS_FIELD = "openaiFileIdRefs"
_SAVED = "/saved_images/"
_NO_URL = f"must be an http, https or data: URL, or {_SAVED}… of this service"
_DATA = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)
# Signs of base64 that some escape. Not unquote(): a long text of nothing else would keep a web process
# busy for seconds.
_ESCAPED = (("%2B", "+"), ("%2b", "+"), ("%2F", "/"), ("%2f", "/"), ("%3D", "="), ("%3d", "="))
_SPACE = b" \t\r\n\f"


@dataclass(frozen=True, slots=True)
class Source:
    """An image: sent along (`upload`), one of this service's own (`saved`), or at a `url`.

    Or it is the input of an earlier job (`kept`), to be done again. `field` is where the request names
    it; `mark` is what tells a replay from another request.
    """

    field: str
    mark: str
    upload: Upload | None = None
    saved: str | None = None
    url: str = ""
    kept: str = ""


def read_source(body: Body, settings: Settings) -> tuple[Source | None, list[Complaint], Body]:
    """Return the image that a body holds or names, the faults, and the body without its names.

    Nothing is fetched yet. Raises PayloadTooLarge.
    """
    given = {
        name: body.fields[name]
        for name in (URL_FIELD, REFS_FIELD)
        if body.fields.get(name) is not None
    }
    others = {name: value for name, value in body.fields.items() if name not in given}
    rest = replace(body, fields=others)
    if not given:
        upload, faults = read_upload(body.files, settings)
        return sent(upload) if upload else None, faults, rest
    faults = unknown_files(body.files)
    names = [*([FIELD] if images_in(body.files) else []), *given]
    try:
        if len(names) > 1:
            raise _wrong(names[1], f"can't be given together with {names[0]}")
        return _named(given, body.typed, settings), faults, rest
    except InvalidRequest as fault:
        return None, [*fault.errors, *faults], rest


def fetch(source: Source, services: Services) -> Upload:
    """Return a source's image; raise PayloadTooLarge, or InvalidRequest that says what is wrong."""
    if source.upload:
        return source.upload
    if source.kept:
        return _again(source, services)
    settings = services.settings
    own = source.saved is not None
    data = _saved(source, services) if own else _fetched(source, settings)
    return _examined(data, source.field, settings)


def _named(given: Mapping[str, Any], typed: bool, settings: Settings) -> Source:
    if URL_FIELD in given:
        return _located(URL_FIELD, given[URL_FIELD], settings)
    entry = _only_entry(given[REFS_FIELD], typed)
    if not isinstance(entry, dict):
        return _located(REFS_FIELD, entry, settings)
    source = _located(REFS_FIELD, entry.get("download_link"), settings)
    file_id = entry.get("id")
    if not isinstance(file_id, str) or not file_id:
        return source
    # the link of a file is another one each time it is sent
    return replace(source, mark=f"id:{file_id}")


def _only_entry(entries: Any, typed: bool) -> Any:
    if not typed:
        try:
            entries = json.loads(entries)
        except (ValueError, RecursionError):
            entries = None
    if not isinstance(entries, list):
        raise _wrong(REFS_FIELD, "must be a list with one file")
    if len(entries) != 1:
        raise _wrong(REFS_FIELD, f"must hold exactly one file, and holds {len(entries)}")
    return entries[0]


def _located(field: str, link: Any, settings: Settings) -> Source:
    """Return where a link leads, as far as that can be told without going there."""
    if not isinstance(link, str) or not link:
        what = _NO_URL if field == URL_FIELD else "must hold a URL, or an object with download_link"
        raise _wrong(field, what)
    if link[:5].lower() == "data:":
        upload = _examined(_decoded(field, link, settings), field, settings)
        return sent(upload)
    mark = f"url:{link}"
    if link.startswith(_SAVED):
        return Source(field, mark, saved=_path(link).removeprefix(_SAVED))
    try:
        target = read_url(link)
        saved = _own_image(target, settings)
        if saved is not None:
            return Source(field, mark, saved=saved)
        check_written(link, settings.fetch_allow_private)
    except OutboundFault as fault:
        raise _wrong(field, f"can't be fetched: {fault.message}") from fault
    return Source(field, mark, url=link)


def sent(upload: Upload) -> Source:
    """Return the source of an image that came with the request."""
    return Source(upload.field, upload.digest, upload)


def _decoded(field: str, link: str, settings: Settings) -> bytes:
    head = _DATA.match(link)
    if head is None:
        raise _wrong(field, "must be base64 when it is a data: URL")
    text = link[head.end() :]
    for escaped, sign in _ESCAPED:
        text = text.replace(escaped, sign)
    try:
        plain = text.encode("ascii").translate(None, _SPACE)
        check_bytes(len(plain.rstrip(b"=")) * 3 // 4, settings)
        # the padding may be left out, as in browsers
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except ValueError as error:
        raise _wrong(field, "is a data: URL whose base64 can't be read") from error


def _own_image(target: Target, settings: Settings) -> str | None:
    """Return the name of an image when a URL is that of one of this service's own."""
    base = read_url(settings.own_url)
    # whoever calls a service on this machine may have another name for this machine
    own = (target.scheme, target.host, target.port) == (base.scheme, base.host, base.port) or (
        is_loopback(target.host) and is_loopback(base.host) and target.port == base.port
    )
    path, prefix = _path(target.path), base.path.rstrip("/") + _SAVED
    return path.removeprefix(prefix) if own and path.startswith(prefix) else None


def _path(link: str) -> str:
    return re.split(r"[?#]", link, maxsplit=1)[0]


def _saved(source: Source, services: Services) -> bytes:
    images, name = services.images, source.saved or ""
    if not images.is_name(name):
        raise _wrong(source.field, "names no image of this service")
    if picture := images.find(name):
        with suppress(FileNotFoundError), picture.open() as file:
            return file.read(services.settings.max_upload_bytes + 1)
    job = services.store.find_by_image(name)
    if job is None:
        raise _wrong(source.field, "names no image of this service")
    if not job.terminal:
        raise _wrong(source.field, "names an image that is not ready yet")
    raise _wrong(source.field, "names an image that is no longer kept, or was never made")


def _fetched(source: Source, settings: Settings) -> bytes:
    outbound = Outbound(settings.fetch_allow_private, most_bytes=settings.max_upload_bytes)
    try:
        return outbound.get(source.url).data
    except AnswerTooLarge as fault:
        raise PayloadTooLarge(f"{source.field} names a file {fault.message}") from fault
    except OutboundFault as fault:
        raise _wrong(source.field, f"can't be fetched: {fault.message}") from fault


def _again(source: Source, services: Services) -> Upload:
    try:
        data = services.images.read_input(source.kept)
        return Upload(inspect(data).upright, "", lambda: data)
    except StorageAway:
        raise
    except (OSError, BrokenImage) as error:
        raise Conflict("The image that was to be enlarged is no longer kept") from error


def _examined(data: bytes, field: str, settings: Settings) -> Upload:
    upload, faults = examine(lambda: data, field, settings)
    if upload is None or faults:
        raise InvalidRequest(faults)
    return upload


def _wrong(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest([complaint(field, problem)])
