"""POST /upscale_image with an image that is named and not sent: fetched, decoded, or taken from here."""

from typing import Any

import pytest

from shared.embedded_redis import free_port
from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.api.named import PICTURE, data_url, kept, ref, saved, upscale
from tests.builders import accepted
from tests.pictures import picture
from tests.worker.provider_server import ProviderServer, drips, head, provider, says

REQUIRED = {"image": "Image file is required"}


def test_an_image_is_fetched_from_its_url(near: Api, server: ProviderServer) -> None:
    answer = upscale(near, image_url=f"{server.url}/a.png?b=c", output_format="png")

    assert kept(near, answer) == PICTURE
    assert json_of(answer)["request"] == {"mode": "fast", "output_format": "png"}
    assert [asked.line for asked in server.received] == ["GET /a.png?b=c HTTP/1.1"]


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_data_url_holds_any_picture_and_is_named_by_its_content(api: Api, form: str) -> None:
    image = picture(form=form)

    answer = upscale(api, image_url=data_url(image))

    assert kept(api, answer) == image
    assert api.job(answer).input.endswith({"png": ".png", "jpeg": ".jpg", "webp": ".webp"}[form])


@pytest.mark.parametrize(
    "url",
    [
        data_url(PICTURE, "IMAGE/PNG;charset=utf-8").replace("data", "DATA"),
        data_url(PICTURE).rstrip("="),
        data_url(PICTURE).replace("=", "%3D").replace("+", "%2B").replace("/", "%2f"),
        "\n ".join([data_url(PICTURE)[:100], data_url(PICTURE)[100:]]),
        data_url(PICTURE, ""),
    ],
    ids=["in capitals", "without padding", "escaped", "in lines", "of no type"],
)
def test_a_data_url_may_be_written_in_many_ways(api: Api, url: str) -> None:
    assert (
        kept(api, upscale(api, image_url=url.replace("data:image%2fpng", "data:image/png")))
        == PICTURE
    )


@pytest.mark.parametrize(
    "base", ["", "http://127.0.0.1:5000", "HTTP://localhost:5000", "http://[::1]:5000"]
)
@pytest.mark.parametrize("end", ["", "?download=1", "#top"])
def test_an_image_of_this_service_is_read_where_it_lies(api: Api, base: str, end: str) -> None:
    assert kept(api, upscale(api, image_url=base + saved(api) + end)) == PICTURE


@pytest.mark.parametrize("base", ["https://images.example.com", "https://example.com:8443/art"])
def test_an_image_is_known_by_its_public_address(start: Start, base: str) -> None:
    api = start(public_base_url=base, allow_anonymous="true")

    assert kept(api, upscale(api, image_url=base + saved(api))) == PICTURE


def test_an_address_of_another_service_is_none_of_this_one(start: Start) -> None:
    api = start(public_base_url="http://images.test:5000", allow_anonymous="true")
    for base in ("http://127.0.0.1:5000", "http://127.0.0.1:5001", "http://[::1]"):
        errors = errors_of(upscale(api, image_url=base + saved(api)))

        assert errors == {"image_url": "image_url can't be fetched: address is private"}


def test_an_image_of_this_service_that_is_not_to_be_had_is_told_why(api: Api) -> None:
    waiting, running, canceled = accepted(api.store), accepted(api.store), accepted(api.store)
    api.fail(canceled.id)
    api.store.claim(running.id, "c", 60_000)
    unknown = "A" * 22 + ".png"
    told = {
        waiting.image: "image_url names an image that is not ready yet",
        running.image: "image_url names an image that is not ready yet",
        canceled.image: "image_url names an image that is no longer kept, or was never made",
        unknown: "image_url names no image of this service",
        "../inputs/x.png": "image_url names no image of this service",
        "%2e%2e": "image_url names no image of this service",
        "": "image_url names no image of this service",
    }

    for name, why in told.items():
        for base in ("", "http://127.0.0.1:5000"):
            assert errors_of(upscale(api, image_url=f"{base}/saved_images/{name}")) == {
                "image_url": why
            }
    assert not api.inputs()


def test_an_input_is_no_image_of_this_service(api: Api) -> None:
    job = api.job(api.upscale())

    errors = errors_of(upscale(api, image_url=f"/saved_images/{job.input}"))

    assert errors == {"image_url": "image_url names no image of this service"}


@pytest.mark.parametrize("entry", [ref, lambda link: link, lambda link: {"download_link": link}])
def test_a_file_of_a_custom_gpt_is_fetched(near: Api, server: ProviderServer, entry: Any) -> None:
    answer = upscale(near, openaiFileIdRefs=[entry(f"{server.url}/file")], mode="fast")

    assert kept(near, answer) == PICTURE


def test_a_form_may_name_its_image_too(near: Api, server: ProviderServer) -> None:
    for kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        for form in ({"image_url": server.url}, {"openaiFileIdRefs": f'["{server.url}"]'}):
            answer = near.call("POST", "/upscale_image", data=form, content_type=kind)

            assert kept(near, answer) == PICTURE


@pytest.mark.parametrize("form", [{"image_url": "", "mode": "fast"}, {"openaiFileIdRefs": ""}])
def test_an_empty_field_of_a_form_names_no_image(api: Api, form: dict[str, str]) -> None:
    assert errors_of(api.call("POST", "/upscale_image", data=form)) == REQUIRED


def test_a_file_field_that_was_left_empty_is_no_second_image(
    near: Api, server: ProviderServer
) -> None:
    boundary = "b" * 10
    parts = [
        'Content-Disposition: form-data; name="image"; filename=""\r\n\r\n\r\n',
        f'Content-Disposition: form-data; name="image_url"\r\n\r\n{server.url}\r\n',
    ]
    body = "".join(f"--{boundary}\r\n{part}" for part in parts) + f"--{boundary}--\r\n"
    kind = f"multipart/form-data; boundary={boundary}"

    answer = near.call("POST", "/upscale_image", data=body, content_type=kind)

    assert kept(near, answer) == PICTURE


@pytest.mark.parametrize("fields", [{}, {"image_url": None}, {"openaiFileIdRefs": None}])
def test_json_that_names_no_image_is_told_in_the_known_words(
    api: Api, fields: dict[str, Any]
) -> None:
    assert errors_of(upscale(api, **fields)) == REQUIRED
    assert api.is_empty()


def test_only_one_image_may_be_given(near: Api, server: ProviderServer) -> None:
    url, refs = f"{server.url}/a.png", [ref(f"{server.url}/b.png")]

    assert errors_of(upscale(near, image_url=url, openaiFileIdRefs=refs)) == {
        "openaiFileIdRefs": "openaiFileIdRefs can't be given together with image_url"
    }
    assert errors_of(near.upscale(image_url=url)) == {
        "image_url": "image_url can't be given together with image"
    }
    assert list(errors_of(near.upscale(image_url=url, mask=PICTURE))) == ["image_url", "mask"]
    assert not server.received
    assert near.is_empty()


@pytest.mark.parametrize(
    ("refs", "why"),
    [
        ([], "must hold exactly one file, and holds 0"),
        ([ref("http://a.test/"), ref("http://b.test/")], "must hold exactly one file, and holds 2"),
        ({}, "must be a list with one file"),
        ("http://a.test/", "must be a list with one file"),
        (7, "must be a list with one file"),
        ([7], "must hold a URL, or an object with download_link"),
        ([None], "must hold a URL, or an object with download_link"),
        ([{}], "must hold a URL, or an object with download_link"),
        ([{"id": "file-1"}], "must hold a URL, or an object with download_link"),
        (
            [{"id": "file-1", "download_link": 7}],
            "must hold a URL, or an object with download_link",
        ),
        ([""], "must hold a URL, or an object with download_link"),
        (["file-abc"], "can't be fetched: not a valid http or https URL"),
    ],
)
def test_files_that_are_not_one_file_are_told_so(api: Api, refs: Any, why: str) -> None:
    assert errors_of(upscale(api, openaiFileIdRefs=refs)) == {
        "openaiFileIdRefs": f"openaiFileIdRefs {why}"
    }
    assert api.is_empty()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (7, "must be an http, https or data: URL"),
        ([], "must be an http, https or data: URL"),
        ({}, "must be an http, https or data: URL"),
        ("", "must be an http, https or data: URL"),
        ("small.png", "can't be fetched: not a valid http or https URL"),
        ("/etc/passwd", "can't be fetched: not a valid http or https URL"),
        ("file:///etc/passwd", "can't be fetched: not a valid http or https URL"),
        ("ftp://a.test/a.png", "can't be fetched: not a valid http or https URL"),
        ("http://\ud800/", "can't be fetched: not a valid http or https URL"),
        ("http://a:b@a.test/", "can't be fetched: a user name or password in the URL"),
        ("http://a.test/" + "a" * 8_000, "can't be fetched: longer than 8000 characters"),
        ("data:image/png,abc", "must be base64 when it is a data: URL"),
        ("data:", "must be base64 when it is a data: URL"),
        ("data:image/png;base64,***", "is a data: URL whose base64 can't be read"),
        ("data:image/png;base64,é", "is a data: URL whose base64 can't be read"),
        ("data:image/png;base64,\ud800", "is a data: URL whose base64 can't be read"),
        ("data:image/png;base64,A", "is a data: URL whose base64 can't be read"),
        ("data:image/png;base64,", ": The file is not a PNG, JPEG or WebP image"),
        (data_url(b"text"), ": The file is not a PNG, JPEG or WebP image"),
        (data_url(PICTURE[:-20]), ": The image is cut short"),
    ],
    ids=lambda value: str(value)[:40].encode(errors="replace").decode(),
)
def test_an_image_url_that_is_none_is_told_why(api: Api, url: Any, why: str) -> None:
    (error,) = errors_of(upscale(api, image_url=url)).values()

    assert error.replace("image_url", "").strip().startswith(why)
    assert api.is_empty()


@pytest.mark.parametrize("field", ["image_url", "openaiFileIdRefs"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_a_private_address_is_not_fetched_from(
    api: Api, server: ProviderServer, field: str, host: str
) -> None:
    url = f"http://{host}:{server.server_address[1]}/a.png"

    errors = errors_of(upscale(api, **{field: url if field == "image_url" else [ref(url)]}))

    assert errors == {field: f"{field} can't be fetched: address is private"}
    assert not server.received
    assert api.is_empty()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says(404, b"no"), "image_url can't be fetched: it answered 404"),
        (says(302, b""), "image_url can't be fetched: it answered 302: redirects are not followed"),
        (says(200, b"<html>"), "image_url: The file is not a PNG, JPEG or WebP image"),
        (says(200, PICTURE[:-20]), "image_url: The image is cut short"),
        (says(200, b"", claimed=9), "image_url can't be fetched: connection broken off"),
        (says(200, picture(513, 64)), "Image dimensions should not exceed 512x512"),
        (says(200, picture(128, 16)), "Image sides should be at least 32 pixels"),
    ],
)  # fmt: skip
def test_what_can_not_be_fetched_is_told_why_and_nothing_is_queued(
    near: Api, answer: Any, why: str
) -> None:
    with provider(answer) as server:
        errors = errors_of(upscale(near, image_url=server.url))

    assert errors["image_url"].startswith(why)
    assert near.is_empty()


def test_a_port_where_nobody_listens_is_told(near: Api) -> None:
    errors = errors_of(upscale(near, openaiFileIdRefs=[ref(f"http://127.0.0.1:{free_port()}/")]))

    assert errors == {"openaiFileIdRefs": "openaiFileIdRefs can't be fetched: connection refused"}
    assert near.is_empty()


@pytest.mark.parametrize("source", ["fetched", "data", "saved"])
def test_a_file_beyond_the_limit_is_too_large(start: Start, source: str) -> None:
    api = start(fetch_allow_private="true", max_upload_bytes=2_000)
    large = PICTURE + bytes(3_000)
    with provider(drips(head(200, {"Content-Length": "3000"}), b"x")) as server:
        url = {"fetched": server.url, "data": data_url(large)[:4_000], "saved": saved(api, large)}[
            source
        ]
        answer = upscale(api, image_url=url)

    assert_fault(answer, 413, "payload_too_large")
    assert not api.inputs()
    assert api.redis.zcard("images:queued") == 0
