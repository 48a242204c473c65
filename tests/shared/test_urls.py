"""A caller's URL has one meaning, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import OutboundFault
from shared.urls import LONGEST, read_url

LOOPBACK = [
    "http://127.0.0.1", "http://127.0.0.1./", "http://2130706433/", "http://127.1/", "http://127.0.1",
    "http://0177.0.0.1/", "http://0x7f.1/", "http://0X7F000001/", "http://017700000001", "HTTP://127.1",
    "http://\uff11\uff12\uff17.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1", "http://127.0.0.1\u200b/",
]  # fmt: skip


@pytest.mark.parametrize("url", LOOPBACK)
def test_every_spelling_of_an_address_is_that_address(url: str) -> None:
    assert read_url(url).url == "http://127.0.0.1/"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://Images.Example.COM./a/b.png?x=1&y=/#part", "https://images.example.com/a/b.png?x=1&y=/"),
        ("HTTPS://example.com:443", "https://example.com/"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:8080?q", "http://example.com:8080/?q"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/ä"),
        ("http://ⓛocalhost/", "http://localhost/"),
        ("http://my_host.internal/", "http://my_host.internal/"),
        ("http://[0:0::1]:8080/", "http://[::1]:8080/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://example.com//@127.0.0.1/", "http://example.com//@127.0.0.1/"),
        ("http://1.example/", "http://1.example/"),
    ],
)  # fmt: skip
def test_a_url_is_brought_into_its_plainest_spelling(url: str, plain: str) -> None:
    assert read_url(url).url == plain


@pytest.mark.parametrize(
    "url",
    [
        "", "images.example.com/a.png", "/a.png", "//example.com/", "http:/example.com", "http:a.png",
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
        "data:image/png;base64,AAAA", " http://example.com/", "http://example.com/ ", "http://a b/",
        "http://example.com/a b", "http://example.com/\r\nHost: x", "http://example.com/\t",
        "http://ex\nample.com/", "http://8.8.8.8\\@127.0.0.1/", "http://example.com\\.test/",
        "http://example.com/\x00", "http://example.com/\ud800", "http://[::1/", "http://[1::2::3]/",
    ],
)  # fmt: skip
def test_what_is_no_url_is_told_so(url: str) -> None:
    with pytest.raises(OutboundFault, match="not a valid http or https URL"):
        read_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://", "http:///a.png", "http://:80/", "http://?", "http://./", "http://a..b/", "http://.a/",
        "http://127.0.0.1../", "http://256.1.1.1/", "http://1.2.3.4.5/", "http://08.1/", "http://0x/",
        "http://4294967296/", "http://1.2.3.0xzz.4/", "http://a.1.b.99999999999/", "http://%31/",
        "http://exa%6dple.com/", "http://[fe80::1%25eth0]/", "http://[::1]a/", "http://a[::1]/",
        "http://[127.0.0.1]/", "http://a:0/", "http://a:65536/", "http://a:-1/", "http://a:+80/",
        "http://a:\uff18\uff10/", "http://a:80:80/", "http://a:b/", "http://a,b/", "http://a;b/", "http://☃😀/",
        "http://" + "a" * 64 + "/", "http://" + "a." * 127 + "a/",
    ],
)  # fmt: skip
def test_a_host_or_port_that_is_none_is_told_so(url: str) -> None:
    with pytest.raises(OutboundFault, match="not a valid http or https URL"):
        read_url(url)


@pytest.mark.parametrize(
    "place", ["me@127.0.0.1", "me:secret@example.com", "@example.com", "a@b@c"]
)
def test_a_user_or_a_password_is_refused(place: str) -> None:
    with pytest.raises(OutboundFault, match="a user name or password"):
        read_url(f"http://{place}/")


def test_a_url_has_a_longest_length() -> None:
    assert read_url("http://a/".ljust(LONGEST, "a")).host == "a"

    with pytest.raises(OutboundFault, match="longer than"):
        read_url("http://a/".ljust(LONGEST + 1, "a"))


@given(st.text())
def test_any_text_is_a_url_or_a_fault(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.com{text}"):
        try:
            target = read_url(url)
        except OutboundFault:
            continue
        assert read_url(target.url) == target
