"""What docker-compose.yml, the Dockerfile and .dockerignore promise, read as text: no Docker needed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.settings import Settings, load_settings
from shared.weaknesses import weaknesses

_ROOT = Path(__file__).parent.parent.parent
_COMPOSE = (_ROOT / "docker-compose.yml").read_text()
_DOCKERFILE = (_ROOT / "Dockerfile").read_text()
_LET_IN = re.findall(r"^!(\S+)$", (_ROOT / ".dockerignore").read_text(), re.MULTILINE)

_NAMES = set(re.findall(r"(?:^ +|\$\{)([A-Z_]+):", _COMPOSE, re.MULTILINE))
_SETTINGS = {name.upper() for name in Settings.model_fields} | {"STABILITY_API_KEY"}
_PUBLISHED = "PUBLISHED_ON_LOOPBACK"
_ONLY_COMPOSE = {"REDIS_PASSWORD", "REDISCLI_AUTH"}
# the volume and the redis service stand for these; with a bucket it needs a file of its own
_DECIDED_THERE = {"STORAGE_URL", "SIGNED_REDIRECT", "DATA_DIR"}


def test_only_the_api_and_flower_are_published_and_only_on_loopback() -> None:
    published = re.findall(r"^ +ports:(.*)$", _COMPOSE, re.MULTILINE)

    assert published == [
        ' ["127.0.0.1:${PORT:-5000}:${PORT:-5000}"]',
        ' ["127.0.0.1:${FLOWER_PORT:-5555}:${FLOWER_PORT:-5555}"]',
    ]
    assert "network_mode" not in _COMPOSE


def test_it_is_guarded_as_on_loopback_and_open_to_nobody_else() -> None:
    given = dict(re.findall(r'^  (HOST|[A-Z]+_[A-Z_]+): *"?([^"\n]*)"?$', _COMPOSE, re.MULTILINE))
    settings = load_settings(None, host=given["HOST"], published_on_loopback=given[_PUBLISHED])

    assert given["ALLOW_ANONYMOUS"] == ""
    assert settings.on_loopback
    assert settings.operator_open
    assert not weaknesses(settings)


def test_every_name_it_sets_is_one_that_the_service_reads() -> None:
    assert _NAMES - _ONLY_COMPOSE <= _SETTINGS


def test_every_setting_can_be_given_to_it_or_is_decided_there() -> None:
    assert _SETTINGS - _NAMES == _DECIDED_THERE


def test_a_part_has_more_time_to_stop_than_it_asks_for() -> None:
    common, workers = map(int, re.findall(r"stop_grace_period: (\d+)s", _COMPOSE))
    (asked,) = map(int, re.findall(r"SHUTDOWN_GRACE_SECONDS: (\d+)", _COMPOSE))

    assert Settings.model_fields["shutdown_grace_seconds"].default < common
    assert Settings.model_fields["provider_timeout_seconds"].default <= asked < workers


def test_the_services_run_the_public_commands() -> None:
    assert re.findall(r"^ +command: (.+)$", _COMPOSE, re.MULTILINE) == [
        "python -m api",
        "celery -A worker.celery_app worker --without-gossip",
        "celery -A worker.celery_app flower --conf=worker/flower_config.py",
        "python -m sandbox --host 0.0.0.0 --allow-any-host --port 8900",
    ]


def test_nothing_keeps_the_workers_from_being_several() -> None:
    assert "container_name" not in _COMPOSE
    assert "hostname" not in _COMPOSE


def test_the_redis_server_keeps_what_it_acknowledged() -> None:
    for line in ("requirepass $$", "appendonly yes", "appendfsync always", "noeviction"):
        assert line in _COMPOSE


def test_the_image_has_a_python_that_the_service_supports_and_the_exact_pins() -> None:
    version = re.search(r"^FROM python:(\d+)\.(\d+)-slim", _DOCKERFILE, re.MULTILINE)

    assert version
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert "-r requirements.txt" in _DOCKERFILE
    assert re.findall(r"^USER (\S+)$", _DOCKERFILE, re.MULTILINE) == ["app"]


def test_only_the_source_and_the_pins_go_into_the_image() -> None:
    assert _LET_IN == ["requirements.txt", "api/", "sandbox/", "shared/", "worker/"]
    assert all((_ROOT / name).exists() for name in _LET_IN)
    assert "\n*\n" in (_ROOT / ".dockerignore").read_text()


@pytest.mark.parametrize("command", ["docker compose", "docker-compose"])
def test_compose_accepts_the_file(command: str) -> None:
    words = command.split()
    if not shutil.which(words[0]) or _run(*words, "version").returncode:
        pytest.skip(f"there is no {command} here")

    checked = _run(*words, "--file", str(_ROOT / "docker-compose.yml"), "config", "--quiet")

    assert checked.returncode == 0, checked.stderr


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
