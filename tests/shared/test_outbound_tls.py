"""Certificates and handshakes; and all of it under gevent."""

import subprocess
import sys

import pytest

from shared.outbound import Outbound
from tests.pictures import picture
from tests.shared.outside import CERTIFICATE, Names, blind, refused, secured
from tests.worker.provider_server import Answer, drips, head, provider, raw, says

PICTURE = picture()
# A TLS record that is announced and never comes whole.
SLOW_HANDSHAKE = drips(b"\x16\x03\x03\x40\x00", b"\x02")


def test_certificate_and_server_name_keep_to_the_name() -> None:
    names: list[str | None] = []
    with provider(says(200, PICTURE)) as server, secured(server, names) as url:
        outbound = Outbound(True, verify=str(CERTIFICATE), resolve=Names(["127.0.0.1"]))

        assert outbound.get(url).data == PICTURE
        assert outbound.post(url, b"{}", {}) == 200

    assert names == ["pictures.test"] * 2


@pytest.mark.parametrize(
    ("host", "verify"),
    [("pictures.test", True), ("other.test", str(CERTIFICATE)), ("127.0.0.1", str(CERTIFICATE))],
)
def test_a_certificate_of_nobody_or_of_another_name_is_refused(
    host: str, verify: bool | str
) -> None:
    with provider(says(200, PICTURE)) as server, secured(server, []) as url:
        outbound = Outbound(True, verify=verify, resolve=Names(["127.0.0.1"]))

        with refused("certificate not valid"):
            outbound.get(url.replace("pictures.test", host))

    assert not server.received


@pytest.mark.parametrize(
    ("answer", "seconds", "reason"),
    [
        (SLOW_HANDSHAKE, 0.3, "timed out after 0.3 s"),
        (raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 10, "no secure connection"),
    ],
)
def test_a_handshake_that_drips_or_is_none_is_a_fault(
    answer: Answer, seconds: float, reason: str
) -> None:
    with blind(answer) as port, refused(reason):
        Outbound(allow_private=True, seconds=seconds).get(f"https://127.0.0.1:{port}/")


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, time, gevent
from shared.errors import OutboundFault
from shared.outbound import Outbound, check_url

def reason(url, **changes):
    try:
        return str(len(Outbound(allow_private=True, seconds=0.5, **changes).get(url).data))
    except OutboundFault as fault:
        return str(fault)

def hangs(host):
    time.sleep(20)

begun, turns = time.monotonic(), []
def spin():
    while True:
        gevent.sleep(0.01)
        turns.append(1)
gevent.spawn(spin)
asked = [gevent.spawn(reason, url) for url in sys.argv[1:]]
asked.append(gevent.spawn(reason, "http://slow.test/", resolve=hangs))
gevent.joinall(asked)
print([each.value for each in asked])
check_url("http://slow.test/", False, hangs)
print(time.monotonic() - begun < 10, len(turns) > 20)
"""


def test_all_of_it_holds_under_gevent_and_blocks_nobody() -> None:
    with (
        provider(says(200, PICTURE)) as good,
        provider(drips(head(200, {}), b"x")) as slow,
        provider(drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")) as slower,
        blind(SLOW_HANDSHAKE) as port,
    ):
        urls = [good.url, slow.url, slower.url, f"https://127.0.0.1:{port}/"]
        command = [sys.executable, "-c", UNDER_GEVENT, *urls]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    late = ["timed out after 0.5 s"] * 4
    assert told.stdout.splitlines() == [str([str(len(PICTURE)), *late]), "True True"], told.stderr
