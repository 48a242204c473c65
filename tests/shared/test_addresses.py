"""What is the internet and what is not; names that are looked up in bounded time."""

import ipaddress
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import is_public, look_up, system_resolve
from tests.builders import at_once

NOT_PUBLIC = {
    "this machine": ["127.0.0.1", "127.0.0.53", "127.255.255.254", "::1"],
    "no address at all": ["0.0.0.0", "0.1.2.3", "0.255.255.255", "::"],  # noqa: S104
    "private networks": [
        "10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
        "fc00::1", "fd20:ce::254", "fdff:ffff::1", "fec0::1",
    ],
    "the wire": ["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"],
    "what tells a machine of a cloud its secrets": [
        "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192",
        "168.63.129.16",
    ],
    "networks of providers behind one address": ["100.64.0.0", "100.64.0.1", "100.127.255.255"],
    "everybody": ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "ff0e::1"],
    "what is kept for later": ["240.0.0.1", "254.1.2.3", "192.0.0.1", "4000::1", "5f00::1", "8000::1"],
    "examples": [
        "192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff::1",
    ],
    "measurements": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "nowhere": ["100::1"],
    "6to4, whatever it wraps": ["192.88.99.1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"],
    "Teredo, whatever it wraps": ["2001::1", "2001:0:808:808::1", "2001:0:7f00:1::80ff:fffe"],
    "a private address behind NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1"],
    "NAT64 of a network's own": ["64:ff9b:1::808:808", "64:ff9b:1::7f00:1"],
    "a private address mapped into IPv6": [
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0.0.0.0", "::ffff:169.254.169.254",
        "::ffff:7f00:1",
    ],
    "an address compatible with IPv6": ["::7f00:1", "::127.0.0.1", "::a9fe:a9fe", "::8.8.8.8"],
    "an address translated into IPv6": ["::ffff:0:127.0.0.1", "::ffff:0:a9fe:a9fe", "::ffff:0:8.8.8.8"],
    "ISATAP in a private network": ["fe80::5efe:7f00:1", "fd00::200:5efe:10.0.0.1"],
    "an address of a zone": ["fe80::1%eth0", "fe80::1%25eth0", "2606:4700::1111%lo", "::1%1"],
}  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:200::1", "2606:4700::1111", "2a00:1450:4001::1",
]  # fmt: skip


@pytest.mark.parametrize("what", NOT_PUBLIC)
def test_not_public_is(what: str) -> None:
    assert {address: is_public(address) for address in NOT_PUBLIC[what]} == dict.fromkeys(
        NOT_PUBLIC[what], False
    )


@pytest.mark.parametrize("address", PUBLIC)
def test_what_the_internet_gives_out_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "8.8.8.8 ", "8.8.8.8/32"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses())
def test_whatever_python_knows_as_special_is_not_public(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    wrapped = getattr(ip, "ipv4_mapped", None)
    in_nat64 = ip.version == 6 and ip in ipaddress.ip_network("64:ff9b::/96")
    if is_public(str(ip)) and not wrapped and not in_nat64:
        assert ip.is_global
        assert not ip.is_multicast


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_as_what_it_wraps(ip: ipaddress.IPv4Address) -> None:
    wrapped = [f"::ffff:{ip}", str(ipaddress.ip_address("64:ff9b::") + int(ip))]

    assert {is_public(address) for address in wrapped} == {is_public(str(ip))}


def test_an_address_needs_no_look_up() -> None:
    assert look_up("::1", lambda _: [], 1) == ["::1"]


def test_this_machine_knows_its_own_name() -> None:
    assert set(look_up("localhost", system_resolve, 10)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("error", [OSError("unknown"), UnicodeError("label too long")])
def test_a_name_that_nobody_knows_is_an_error(error: Exception) -> None:
    def resolve(host: str) -> list[str]:
        raise error

    with pytest.raises(OSError, match="nowhere"):
        look_up("nowhere", resolve, 10)


def test_a_look_up_that_hangs_is_left_to_itself() -> None:
    over = threading.Event()

    def resolve(host: str) -> list[str]:
        over.wait(20)
        return []

    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        look_up("slow.test", resolve, 0.1)
    assert time.monotonic() - begun < 5
    over.set()


def test_hanging_look_ups_take_no_more_than_eight_threads_until_they_end() -> None:
    over, asked = threading.Event(), []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        over.wait(20)
        return ["8.8.8.8"]

    for number in range(10):
        with pytest.raises(TimeoutError):
            look_up(f"slow{number}.test", resolve, 0.05)
    assert len(asked) == 8
    over.set()

    assert look_up("quick.test", resolve, 10) == ["8.8.8.8"]


def test_a_name_that_hangs_holds_one_thread_however_many_ask_for_it() -> None:
    over, asked = threading.Event(), []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        if host == "slow.test":
            over.wait(20)
        return ["8.8.8.8"]

    def ask(_: int) -> list[str]:
        with suppress(TimeoutError):
            return look_up("slow.test", resolve, 0.2)
        return []

    answers = at_once(ask, range(20), 20)
    quick = look_up("quick.test", resolve, 10)
    over.set()

    assert answers == [[]] * 20
    assert quick == ["8.8.8.8"]
    assert asked == ["slow.test", "quick.test"]


def test_who_asks_after_an_answer_gets_a_new_one() -> None:
    answers = iter(range(1, 200))

    def resolve(host: str) -> list[str]:
        return [f"8.8.8.{next(answers)}"]

    found = [look_up("same.test", resolve, 10) for _ in range(100)]

    assert found == [[f"8.8.8.{number}"] for number in range(1, 101)]
