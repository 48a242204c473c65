"""No request reaches a private address, however it is named."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from shared.outbound import Outbound, check_url
from tests.pictures import picture
from tests.shared.outside import PUBLIC, Names, refused
from tests.worker.provider_server import provider, says

PICTURE = picture()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "[::ffff:7f00:1]"]
)
def test_a_private_address_is_never_connected_to(host: str) -> None:
    with provider(says(200, PICTURE)) as server:
        url = f"http://{host}:{server.server_address[1]}/"

        with refused("address is private"):
            Outbound(allow_private=False).get(url)
        with refused("address is private"):
            Outbound(allow_private=False).post(url, b"{}", {})

    assert not server.received


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"]])
def test_a_name_is_refused_when_any_of_its_addresses_is_private(addresses: list[str]) -> None:
    with provider(says(200, PICTURE)) as server:
        outbound = Outbound(allow_private=False, resolve=Names(addresses))

        with refused("address is private"):
            outbound.get(f"http://pictures.test:{server.server_address[1]}/")

    assert not server.received


def test_a_name_that_was_public_at_submit_is_looked_at_again() -> None:
    names = Names([PUBLIC], ["127.0.0.1"])

    with provider(says(200, PICTURE)) as server:
        url = f"http://pictures.test:{server.server_address[1]}/"
        check_url(url, allow_private=False, resolve=names)
        with refused("address is private"):
            Outbound(allow_private=False, resolve=names).post(url, b"{}", {})

    assert not server.received


def test_a_name_is_asked_for_once_and_what_was_checked_is_connected_to() -> None:
    names = Names(["127.0.0.1"], ["192.0.2.1"])

    with provider(says(200, PICTURE)) as server:
        port = server.server_address[1]
        Outbound(allow_private=True, resolve=names).get(f"http://pictures.test:{port}/")

    assert names.asked == ["pictures.test"]
    assert server.received[0].headers["Host"] == f"pictures.test:{port}"


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with provider(says(200, PICTURE)) as server:
        names = Names(["::1", "127.0.0.1"])

        got = Outbound(allow_private=True, resolve=names).get(
            f"http://pictures.test:{server.server_address[1]}/"
        )

    assert got.data == PICTURE


def test_an_address_that_swallows_everything_leaves_time_for_the_next() -> None:
    with provider(says(200, PICTURE)) as server, swallowing(server.server_address[1]):
        outbound = Outbound(allow_private=True, seconds=4, resolve=Names(["::1", "127.0.0.1"]))

        got = outbound.get(f"http://pictures.test:{server.server_address[1]}/")

    assert got.data == PICTURE


@contextmanager
def swallowing(port: int) -> Iterator[None]:
    """Have a port of ::1 whose line of callers is full: who comes next waits for ever."""
    with ExitStack() as stack:
        with suppress(OSError):  # where there is no IPv6, the address fails at once
            full = stack.enter_context(socket.socket(socket.AF_INET6))
            full.bind(("::1", port))
            full.listen(0)
            for _ in range(4):
                caller = stack.enter_context(socket.socket(socket.AF_INET6))
                caller.setblocking(False)
                caller.connect_ex(("::1", port))
        yield


def test_a_name_that_nobody_knows_is_told_so() -> None:
    def resolve(host: str) -> list[str]:
        raise OSError("unknown")

    for unknown in (resolve, Names([])):
        with refused("name not found"):
            Outbound(allow_private=True, resolve=unknown).get("http://nowhere.test/")


def test_a_look_up_that_hangs_meets_the_end_of_the_time() -> None:
    over = threading.Event()

    def resolve(host: str) -> list[str]:
        over.wait(20)
        return []

    with refused("timed out after 0.2 s"):
        Outbound(allow_private=True, seconds=0.2, resolve=resolve).get("http://slow.test/")
    over.set()


def test_proxies_and_passwords_of_this_machine_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with provider(says(200, b"of a proxy")) as proxy, provider(says(200, PICTURE)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        assert Outbound(allow_private=True).get(server.url).data == PICTURE

    assert server.received[0].headers["Authorization"] is None
    assert not proxy.received


@pytest.mark.parametrize(
    "url", ["http://127.1/", "http://[::1]/", "http://localhost/", "http://0/"]
)
def test_an_address_that_is_private_at_submit_is_refused_then(url: str) -> None:
    with refused("address is private"):
        check_url(url, allow_private=False)
    check_url(url, allow_private=True)


def test_a_name_that_is_private_at_submit_is_refused_then() -> None:
    for addresses in (["10.0.0.1"], [PUBLIC, "10.0.0.1"]):
        with refused("address is private"):
            check_url("http://inside.test/", allow_private=False, resolve=Names(addresses))
    check_url("http://inside.test/", allow_private=False, resolve=Names([PUBLIC]))


def test_what_is_no_url_is_refused_at_submit_in_any_case() -> None:
    for allow_private in (False, True):
        with refused("not a valid http or https URL"):
            check_url("ftp://example.com/", allow_private)


def test_a_name_that_nobody_knows_or_that_takes_too_long_passes_at_submit() -> None:
    over = threading.Event()

    def unknown(host: str) -> list[str]:
        raise OSError("unknown")

    def slow(host: str) -> list[str]:
        over.wait(20)
        return ["10.0.0.1"]

    check_url("http://nowhere.test/", allow_private=False, resolve=unknown)
    begun = time.monotonic()
    check_url("http://slow.test/", allow_private=False, resolve=slow)
    assert 1 < time.monotonic() - begun < 6
    over.set()
