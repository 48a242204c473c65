"""Names of hosts, as requests and settings write them."""

import pytest

from shared.hosts import Authority, origin_of, read_authority, read_origin
from shared.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM", Authority("example.com")),
        ("example.com.", Authority("example.com")),
        ("a_b.example:80", Authority("a_b.example", 80)),
        ("127.0.0.1:5000", Authority("127.0.0.1", 5000)),
        ("[::1]", Authority("::1")),
        ("[FE80::1]:5000", Authority("fe80::1", 5000)),
    ],
)
def test_a_host_is_read_as_it_is_compared(text: str, expected: Authority) -> None:
    assert read_authority(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "..",
            "a..b",
            ":80",
            "a:",
            "a:b",
            "a:123456",
            "a:65536",
            "a b",
            " a",
            "a\n",
            "-a",
        ),
        *(
            "a/b",
            "a@b",
            "user:pass@b",
            "a,b",
            "a#b",
            "a?b",
            "[::1",
            "::1",
            "[::1]x",
            "[1]",
            "[zz::]",
        ),
        *("[fe80::1%eth0]", "ex\u00e4mple.com", "\uff41.example", "a" * 254, "a\x00", "[]", "a:٣"),
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert read_authority(text) is None


def test_an_origin_has_the_port_that_it_leaves_out() -> None:
    assert read_origin("https://Example.com") == ("https", Authority("example.com", 443))
    assert read_origin("http://[::1]:5000") == ("http", Authority("::1", 5000))
    assert origin_of("http://example.com/a/b") == ("http", Authority("example.com", 80))


@pytest.mark.parametrize(
    "text",
    ["null", "", "example.com", "https://", "https://a/b", "https://a?b", "ftp://a", "https://a b"],
)
def test_what_is_no_origin_is_none(text: str) -> None:
    assert read_origin(text) is None


def test_hosts_and_origins_are_listed_between_commas() -> None:
    settings = load_settings(
        None,
        allowed_hosts="Images.LAN, 192.168.1.5,fe80::1,[::2]",
        cors_origins="https://App.example:443,http://localhost:3000",
    )

    assert settings.allowed_hosts == ("images.lan", "192.168.1.5", "fe80::1", "::2")
    assert settings.cors_origins == ("https://app.example", "http://localhost:3000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_hosts", "*"),
        ("allowed_hosts", "https://a.example"),
        ("allowed_hosts", "a.example:5000"),
        ("allowed_hosts", "a b"),
        ("cors_origins", "*"),
        ("cors_origins", "null"),
        ("cors_origins", "app.example"),
        ("cors_origins", "https://app.example/"),
        ("cors_origins", "https://*.example"),
    ],
)
def test_what_is_neither_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name.upper()} must be .*is not$"):
        load_settings(None, **{name: f"ok.example,{value}" if name == "allowed_hosts" else value})
