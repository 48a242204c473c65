"""The check that every answer of the API's tests goes through would find what is wrong."""

from typing import Any

import pytest
from flask import Response
from werkzeug.test import TestResponse

from tests.api.callers import Api, json_of
from tests.api.conformity import conform


def spoilt(answer: TestResponse, **changes: Any) -> TestResponse:
    """Return an answer with another status, without a header, or with another body."""
    response = Response(
        changes.get("body", answer.get_data()),
        status=changes.get("status", answer.status_code),
        headers=list(answer.headers.items()),
        mimetype=changes.get("mimetype"),
    )
    response.headers.pop(changes.get("without", ""), None)
    response.headers.update(changes.get("more", {}))
    return TestResponse(
        [response.get_data()],
        response.status,
        response.headers,
        answer.request,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 418},
        {"body": b'{"job_id": 7}'},
        {"without": "X-Request-ID"},
        {"without": "Location"},
        {"more": {"Allow": "GET"}},
        {"more": {"Content-Type": "text/html"}},
    ],
    ids=str,
)
def test_an_answer_that_the_document_does_not_allow_is_found(
    api: Api, changes: dict[str, Any]
) -> None:
    answer = api.generate()
    wrong = spoilt(answer, **changes)

    conform(api.app.url_map, "POST", "/generate_image", answer)

    assert json_of(answer)["status"] == "queued"
    with pytest.raises(AssertionError):
        conform(api.app.url_map, "POST", "/generate_image", wrong)
