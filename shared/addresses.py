"""Which addresses are the internet's, and which only this machine or its network can reach."""

import ipaddress
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address
from threading import BoundedSemaphore, Lock, Thread

Resolve = Callable[[str], list[str]]

# IANA's registries of special addresses, written out: Python's own lists differ by its version.
_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        "168.63.129.16/32",  # looks public, and is what tells a machine of Azure its secrets
    )
)  # fmt: skip
# All that is given out as public; what lies outside is local, multicast, or stands for an IPv4 address.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# Teredo and its neighbours, examples, 6to4 (tunnels to any IPv4 address), examples.
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

# Under gevent all look-ups of a process share ten threads, and the job store's address is among
# them: names that somebody lets hang must not take them all.
_look_ups = BoundedSemaphore(8)
_under_way: dict[tuple[Resolve, str], Future[list[str]]] = {}
_lock = Lock()


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the internet, also when it only wraps another one."""
    if "%" in address:
        return False  # of a zone, which is a wire of this machine
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        wrapped = _wrapped(ip)
        if wrapped is None:
            return ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)
        ip = wrapped
    return not any(ip in network for network in _NOT_PUBLIC)


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None


def is_address(host: str) -> bool:
    """Tell whether a host is an address already, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def system_resolve(host: str) -> list[str]:
    """Return the addresses that this machine's resolver has for a name; may raise OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def look_up(host: str, resolve: Resolve, seconds: float) -> list[str]:
    """Return the addresses of a host; raise TimeoutError after so many seconds, or OSError.

    No resolver can be told to hurry, so each look-up has a thread, which ends when it likes. Who asks
    for a name that is being looked up gets the same answer: one that hangs holds one thread.
    """
    if is_address(host):
        return [host]
    ends = time.monotonic() + seconds
    with _lock:
        answer = _under_way.get((resolve, host))
        begin = answer is None
        if answer is None:
            answer = _under_way[resolve, host] = Future()
    if begin:
        _begin(host, resolve, seconds, answer)
    return answer.result(max(0, ends - time.monotonic()))


def _begin(host: str, resolve: Resolve, seconds: float, answer: Future[list[str]]) -> None:
    def ask() -> None:
        fault, found = None, list[str]()
        try:
            found = resolve(host)
        except (OSError, UnicodeError) as error:
            fault = OSError(f"{host} can't be looked up: {error}")
        finally:
            # before the answer is told: who asks after that gets a new one
            _under_way.pop((resolve, host), None)
            _look_ups.release()
        if fault:
            answer.set_exception(fault)
        else:
            answer.set_result(found)

    if _look_ups.acquire(timeout=seconds):
        Thread(target=ask, name="look-up", daemon=True).start()
    else:
        _under_way.pop((resolve, host), None)
        answer.set_exception(TimeoutError("too many names are being looked up"))
