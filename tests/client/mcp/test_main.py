"""The environment and the command line of the tools' server."""

import socket

import pytest

from client.mcp.main import main
from client.mcp.settings import Settings, SettingsFault


def test_nothing_need_be_set() -> None:
    assert Settings.of({}) == Settings()
    assert Settings.of({"IMAGE_API_KEY": "", "MCP_WAIT_SECONDS": " "}) == Settings()


def test_what_is_set_is_taken() -> None:
    settings = Settings.of(
        {
            "IMAGE_API_URL": "https://images.example/",
            "MCP_LINKS_URL": "https://elsewhere.example/",
            "IMAGE_API_HOST": "127.0.0.1:5000",
            "IMAGE_API_KEY": "s3cret",
            "MCP_WAIT_SECONDS": "20",
            "MCP_INLINE_BYTES": "0",
            "MCP_ALLOWED_HOSTS": "Tools.example, tools.internal:8443",
            "PUBLISHED_ON_LOOPBACK": "true",
        }
    )

    assert settings == Settings(
        url="https://images.example",
        links_url="https://elsewhere.example",
        host="127.0.0.1:5000",
        key="s3cret",
        wait_seconds=20,
        inline_bytes=0,
        allowed_hosts=("tools.example", "tools.internal:8443"),
        published_on_loopback=True,
    )


def test_all_that_is_set_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsFault) as wrong:
        Settings.of(
            {
                "IMAGE_API_URL": "images",
                "MCP_LINKS_URL": "links",
                "IMAGE_API_HOST": "a b",
                "IMAGE_API_KEY": "two\nlines",
                "MCP_WAIT_SECONDS": "-1",
                "MCP_INLINE_BYTES": "1e9",
                "MCP_ALLOWED_HOSTS": "*",
            }
        )

    for name in (
        "API_URL",
        "LINKS_URL",
        "API_HOST",
        "API_KEY",
        "WAIT_SECONDS",
        "INLINE_BYTES",
        "ALLOWED_HOSTS",
    ):
        assert name in str(wrong.value)
    assert "two" not in str(wrong.value)


@pytest.mark.parametrize(
    ("environment", "address", "sentence"),
    [
        ({"IMAGE_API_KEY": "s3cret"}, "127.0.0.1:0", "IMAGE_API_KEY is for --stdio"),
        ({}, "0.0.0.0:0", "set MCP_ALLOWED_HOSTS"),
        ({"MCP_WAIT_SECONDS": "soon"}, "127.0.0.1:0", "MCP_WAIT_SECONDS must be"),
    ],
)
def test_what_can_not_be_started_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    address: str,
    sentence: str,
) -> None:
    for name in ("IMAGE_API_KEY", "IMAGE_API_URL", "MCP_WAIT_SECONDS", "MCP_ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert main(["--http", address]) == 2

    told = capsys.readouterr().err
    assert sentence in told
    assert "s3cret" not in told


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["--http", f"127.0.0.1:{port}"]) == 2

    assert f"Can't listen on 127.0.0.1:{port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMAGE_API_URL", "http://[::1"),
        ("IMAGE_API_URL", "https://me:pass@images.example"),
        ("MCP_ALLOWED_HOSTS", "["),
        ("MCP_ALLOWED_HOSTS", "https://images.example"),
    ],
)
def test_what_is_no_address_is_told_by_its_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsFault, match=f"^{name} must"):
        Settings.of({name: value})
