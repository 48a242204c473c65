"""What Celery and Flower are told of a Redis behind TLS."""

import ssl
from typing import Any

import pytest

from shared.redis_address import broker_tls, broker_url

REQUIRED = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", REQUIRED),
        ("?ssl_ca_certs=/ca.pem", {**REQUIRED, "ssl_ca_certs": "/ca.pem"}),
        ("?ssl_check_hostname=false", {**REQUIRED, "ssl_check_hostname": False}),
        # Python refuses to check a name where it checks no certificate
        ("?ssl_cert_reqs=none", {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}),
    ],
)
def test_tls_is_told_as_they_take_it(query: str, told: dict[str, Any]) -> None:
    url = f"rediss://user:word@redis.test:6380/2{query}"

    assert broker_tls(url) == told
    assert broker_url(url) == "rediss://user:word@redis.test:6380/2"


def test_without_tls_an_address_is_taken_as_it_is() -> None:
    url = "redis://redis.test:6379/0?socket_timeout=5"

    assert (broker_tls(url), broker_url(url)) == (None, url)
