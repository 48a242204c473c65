"""What docker-compose.yml, the Dockerfile and .dockerignore promise, read as text: no Docker needed."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from client.mcp.door import Address
from client.mcp.settings import Settings as ToolSettings
from shared.hosts import is_loopback
from shared.settings import Settings, load_settings
from shared.weaknesses import weaknesses

_ROOT = Path(__file__).parent.parent.parent
_COMPOSE = (_ROOT / "docker-compose.yml").read_text()
_DOCKERFILE = (_ROOT / "Dockerfile").read_text()
_LET_IN = re.findall(r"^!(\S+)$", (_ROOT / ".dockerignore").read_text(), re.MULTILINE)

_NAMES = set(re.findall(r"(?:^ +|\$\{)([A-Z_]+):", _COMPOSE, re.MULTILINE))
_SETTINGS = {name.upper() for name in Settings.model_fields} | {"STABILITY_API_KEY"}
_PUBLISHED = "PUBLISHED_ON_LOOPBACK"
_MEMORY = {"API_MEMORY_MB", "WORKER_MEMORY_MB", "REDIS_MEMORY_MB", "MEMORY_MB"}
_ONLY_COMPOSE = {"REDIS_PASSWORD", "REDISCLI_AUTH", *_MEMORY}
_OURS = ("api", "worker", "flower", "sandbox", "mcp")
_OF_MCP = {"IMAGE_API_URL", "MCP_LINKS_URL", "MCP_ALLOWED_HOSTS", "MCP_WAIT_SECONDS"}
_OF_MCP |= {"IMAGE_API_HOST"}
_OF_MCP |= {"MCP_INLINE_BYTES", "MCP_PORT"}


def test_only_what_callers_need_is_published_and_only_on_loopback() -> None:
    published = re.findall(r"^ +ports:(.*)$", _COMPOSE, re.MULTILINE)

    assert published == [
        ' ["127.0.0.1:${PORT:-5000}:${PORT:-5000}"]',
        ' ["127.0.0.1:${FLOWER_PORT:-5555}:${FLOWER_PORT:-5555}"]',
        ' ["127.0.0.1:${MCP_PORT:-5601}:${MCP_PORT:-5601}"]',
    ]
    assert "network_mode" not in _COMPOSE


def test_it_is_guarded_as_on_loopback_and_open_to_nobody_else() -> None:
    given = dict(re.findall(r'^  (HOST|[A-Z]+_[A-Z_]+): *"?([^"\n]*)"?$', _COMPOSE, re.MULTILINE))
    settings = load_settings(None, host=given["HOST"], published_on_loopback=given[_PUBLISHED])

    assert given["ALLOW_ANONYMOUS"] == ""
    assert settings.on_loopback
    assert settings.operator_open
    assert [told.split()[0] for told in weaknesses(settings)] == ["CLIENT_KEYS"]


def test_every_name_it_sets_is_one_that_the_service_reads() -> None:
    of_buckets = {name for name in _NAMES if name.startswith(("AWS_", "AZURE_"))}

    assert _NAMES - _ONLY_COMPOSE - _OF_MCP - of_buckets <= _SETTINGS


def test_every_setting_can_be_given_to_it() -> None:
    assert not _SETTINGS - _NAMES


def test_a_part_has_more_time_to_stop_than_it_asks_for() -> None:
    common, workers, _redis = map(int, re.findall(r"stop_grace_period: (\d+)s", _COMPOSE))
    (asked,) = map(int, re.findall(r"SHUTDOWN_GRACE_SECONDS: (\d+)", _COMPOSE))

    assert Settings.model_fields["shutdown_grace_seconds"].default < common
    assert Settings.model_fields["provider_timeout_seconds"].default <= asked < workers


def test_the_services_run_the_public_commands() -> None:
    assert re.findall(r"^ +command: (.+)$", _COMPOSE, re.MULTILINE) == [
        "python -m api",
        "celery -A worker.celery_app worker --without-gossip",
        "celery -A worker.celery_app flower --conf=worker/flower_config.py",
        "python -m client.mcp --http 0.0.0.0:${MCP_PORT:-5601}",
    ]


@pytest.mark.parametrize("key", ["API_KEY", "STABILITY_API_KEY"])
@pytest.mark.parametrize(
    ("value", "runs"),
    [
        ("", "python -m sandbox --host 0.0.0.0 --allow-any-host --port 8900"),
        ("sk-1", "sleep infinity"),
    ],
)
def test_the_sandbox_sleeps_when_there_is_a_key(
    key: str, value: str, runs: str, tmp_path: Path
) -> None:
    script = re.search(r"- \|\n((?: {8}.*\n)+)", _service("sandbox"))
    assert script
    for name in ("python", "sleep"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tmp_path / name).chmod(0o700)

    ran = subprocess.run(
        ["/bin/sh", "-c", script[1].replace("$$", "$")],
        env={"PATH": str(tmp_path), key: value},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == f"{runs}\n"


@pytest.mark.parametrize("name", [*_OURS, "redis"])
def test_each_part_is_kept_small(name: str) -> None:
    whole = _service(name)

    for promise in (
        "read_only: true",
        "cap_drop: [ALL]",
        "no-new-privileges:true",
        "driver: local",
    ):
        assert promise in whole, promise
    assert re.search(r"mem_limit: (\$\{[A-Z]+_MEMORY_MB:-\d+\}|\d+)m$", whole, re.MULTILINE)
    assert "healthcheck:\n" in whole
    assert "restart: unless-stopped" in whole
    assert "init: true" not in whole  # tini is in the image


def test_every_health_check_of_ours_is_a_cheap_one() -> None:
    for name in _OURS:
        assert re.search(r"test: .*(shared\.alive|worker\.heartbeat)", _service(name)), name
    file = re.search(r"HEARTBEAT_FILE: (\S+)", _service("worker"))

    assert file
    assert f'"worker.heartbeat", "{file[1]}"' in _service("worker")
    assert file[1].startswith("/tmp/")  # noqa: S108 - the one folder that can be written to


def test_redis_is_full_before_its_container_is() -> None:
    redis = _service("redis")

    assert "MEMORY_MB: ${REDIS_MEMORY_MB:-1024}" in redis
    assert "mem_limit: ${REDIS_MEMORY_MB:-1024}m" in redis
    assert "maxmemory $$((MEMORY_MB * 3 / 4))mb" in redis
    assert "user: valkey" in redis


def test_every_volume_lies_where_the_image_has_a_folder_of_its_user() -> None:
    folders = set(re.findall(r'volumes: \["(?:images|flower):(\S+)"\]', _COMPOSE))
    made = re.search(r"install -d -o app -g app (.*)", _DOCKERFILE)

    assert made
    assert folders == set(made[1].split())
    assert re.findall(r"DATA_DIR: (\S+)", _service("flower")) == ["/app/flower"]


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
    assert "-r /build/requirements.txt" in _DOCKERFILE
    assert len(set(re.findall(r"^FROM (\S+)", _DOCKERFILE, re.MULTILINE))) == 1


def test_the_image_runs_as_no_root_under_an_init_without_what_built_it() -> None:
    *_, last = stages = _DOCKERFILE.split("\nFROM ")
    (of_mcp,) = (stage for stage in stages if " AS mcp\n" in stage)

    for each in (last, of_mcp):
        # a number, which is what Kubernetes can check
        assert re.findall(r"^USER (\S+)$", each, re.MULTILINE) == ["10001:10001"]
        assert 'ENTRYPOINT ["tini", "--"]' in each
        assert "apt-get" not in each
        assert "pip" not in each
        assert all("--from=build" in line for line in re.findall(r"^COPY .*", each, re.MULTILINE))
    assert "mcp" not in last
    assert "ARG" not in _DOCKERFILE  # arguments stay in the image's history


def test_each_image_tells_what_it_is() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    stages = [stage for stage in _DOCKERFILE.split("\nFROM ") if "ENTRYPOINT" in stage]

    labels = [dict(re.findall(r'image\.(\w+)="([^"]+)"', stage)) for stage in stages]

    assert len(labels) == 2
    for told in labels:
        assert told.pop("title")
        assert told["version"] == project["version"]
        assert told["licenses"] == project["license"]
    assert labels[-1]["description"] == project["description"]
    assert labels[0]["description"]


def test_only_the_source_and_the_pins_go_into_the_image() -> None:
    pins = ["requirements.txt", "requirements-mcp.txt"]
    assert [*pins, "api/", "client/", "sandbox/", "shared/", "worker/"] == _LET_IN
    assert all((_ROOT / name).exists() for name in _LET_IN)
    assert "\n*\n" in (_ROOT / ".dockerignore").read_text()


def test_the_tools_for_assistants_come_only_when_asked_for_and_are_let_in_by_the_api() -> None:
    tools = _service("mcp")
    given = dict(re.findall(r"^ {6}([A-Z_]+): *(.*)$", tools, re.MULTILINE))
    environment = {
        name: value.strip('"').replace("${PORT:-5000}", "5000") for name, value in given.items()
    }
    settings = ToolSettings.of(environment)

    assert "profiles: [mcp]" in tools
    assert "target: mcp" in tools
    assert urlsplit(settings.url).hostname == "api"
    assert "no_proxy: api\n" in tools
    # a name that is allowed is one that a page may make its own
    assert is_loopback(urlsplit(f"//{settings.host}").hostname or "")
    assert re.search(r"^  ALLOWED_HOSTS:$", _COMPOSE, re.MULTILINE)
    assert urlsplit(settings.links_url).netloc == "127.0.0.1:5000"  # which callers can open
    assert settings.key is None
    assert Address.of("0.0.0.0:5601", settings).behind_loopback


def test_the_tools_for_assistants_share_a_network_with_the_api_alone() -> None:
    networks = {
        name: re.findall(r"^ {4}networks: \[(.*)\]$", _service(name), re.MULTILINE)
        for name in (*_OURS, "redis")
    }

    assert networks.pop("mcp") == ["tools"]
    assert networks.pop("api") == ["default, tools"]
    assert not any(networks.values())
    assert _COMPOSE.count("networks:") == 3


@pytest.mark.parametrize("command", ["docker compose", "docker-compose"])
def test_compose_accepts_the_file(command: str) -> None:
    words = command.split()
    if not shutil.which(words[0]) or _run(*words, "version").returncode:
        pytest.skip(f"there is no {command} here")

    checked = _run(*words, "--file", str(_ROOT / "docker-compose.yml"), "config", "--quiet")

    assert checked.returncode == 0, checked.stderr


def _service(name: str) -> str:
    """Return what the file says of a service, with what it takes from the common part."""
    own = re.search(rf"^  {name}:.*\n((?:    .*\n|\n)+)", _COMPOSE, re.MULTILINE)
    common = re.search(r"^x-app:.*\n((?:  .*\n)+)", _COMPOSE, re.MULTILINE)
    assert own
    assert common
    return own[1].replace("    <<: *app\n", common[1])


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
