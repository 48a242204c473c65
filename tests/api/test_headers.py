"""What every answer tells a browser not to do with it."""

import pytest

from tests.api.callers import Api

ANSWERS = [
    "GET /",
    "GET /docs",
    "GET /openapi.json",
    "GET /healthz",
    "GET /jobs",
    "GET /nowhere",
    "PUT /jobs",
    "POST /generate_image",
    "OPTIONS /generate_image",
    "GET /saved_images/no-such-image.webp",
    "GET /static/docs.css",
]


@pytest.mark.parametrize("call", ANSWERS)
def test_every_answer_is_taken_for_what_it_says_and_stands_in_no_frame(api: Api, call: str) -> None:
    told = api.call(*call.split()).headers

    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["X-Frame-Options"] == "DENY"
    assert told["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in told["Permissions-Policy"]
    policy = told["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert told.getlist("Content-Security-Policy") == [policy]


@pytest.mark.parametrize("call", ANSWERS)
def test_only_images_may_be_shown_by_other_pages(api: Api, call: str) -> None:
    told = api.call(*call.split()).headers

    expected = "cross-origin" if "/saved_images/" in call else "same-origin"
    assert told["Cross-Origin-Resource-Policy"] == expected


def test_what_is_no_page_loads_nothing(api: Api) -> None:
    policies = {api.get(path).headers["Content-Security-Policy"] for path in ("/jobs", "/nowhere")}

    assert len(policies) == 1
    assert "-src 'self'" not in policies.pop()
