"""The doctor tells what is wrong and how to mend it, and is stopped by nothing that is."""

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from shared import embedded_redis
from shared.halt import Halt
from shared.services import Services
from shared.settings import load_settings
from tests.worker import provider_server
from worker.doctor import embedded, machine, parts, provider, storage
from worker.doctor.__main__ import main
from worker.doctor.findings import Finding, examine, ok


def levels(found: list[Finding]) -> dict[str, str]:
    return {finding.about: finding.level for finding in found}


def examined(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, **environment: str
) -> tuple[int, dict[str, Any]]:
    """Return the exit code of the doctor and the JSON that it prints."""
    ports = {
        "PORT": str(embedded_redis.free_port()),
        "FLOWER_PORT": str(embedded_redis.free_port()),
    }
    for name, value in {"API_KEY": "", "REDIS_URL": "", **ports, **environment}.items():
        monkeypatch.setenv(name, value)
    code = main(["--json"])
    return code, json.loads(capsys.readouterr().out)


def test_where_nothing_is_wrong_the_exit_code_is_0(
    capsys: Any, monkeypatch: Any, redis_url: str, redis_client: Any, tmp_path: Path
) -> None:
    code, told = examined(capsys, monkeypatch, REDIS_URL=redis_url, STORAGE_URL=str(tmp_path))

    assert (code, told["ok"]) == (0, True)
    assert {each["about"] for each in told["findings"]} >= {"redis", "storage", "api", "workers"}


def test_what_is_wrong_stops_no_other_check_and_no_secret_is_told(
    capsys: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    dead = f"redis://:planted-secret@127.0.0.1:{embedded_redis.free_port()}/0"

    code, told = examined(
        capsys, monkeypatch, REDIS_URL=dead, STORAGE_URL=str(tmp_path / "file" / "images")
    )

    wrong = {each["about"]: each for each in told["findings"] if each["level"] == "wrong"}
    assert (code, told["ok"], set(wrong)) == (1, False, {"redis", "storage"})
    assert all(each["mend"] for each in wrong.values())
    assert "planted-secret" not in json.dumps(told)


def test_every_wrong_setting_is_told_at_once(capsys: Any, monkeypatch: Any) -> None:
    code, told = examined(capsys, monkeypatch, WEB_PROCESSES="0", LOG_LEVEL="loud")

    assert code == 1
    assert [each["told"].split()[0] for each in told["findings"]] == ["WEB_PROCESSES", "LOG_LEVEL"]


def test_a_person_reads_a_line_for_each_and_how_to_mend_it(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("WEB_PROCESSES", "0")

    assert main([]) == 1
    printed = capsys.readouterr().out
    assert "✗ settings  WEB_PROCESSES" in printed
    assert "→ mend .env" in printed


def test_a_check_that_hangs_or_breaks_is_told_and_the_others_are_made() -> None:
    never = threading.Event()

    def hangs() -> list[Finding]:
        never.wait(30)
        return []

    def breaks() -> list[Finding]:
        raise OSError("at redis://:secret@host")

    checks = {"a": hangs, "b": breaks, "c": lambda: [ok("c", "well")], "d": hangs}
    begun = time.monotonic()
    found = examine(checks, seconds=0.5)
    took = time.monotonic() - begun
    never.set()

    assert levels(found) == {"a": "wrong", "b": "wrong", "c": "ok", "d": "wrong"}
    assert took < 5
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("status", "body", "level", "words"),
    [
        (200, b'{"credits": 100}', "ok", "100.00 credits"),
        (200, b'{"credits": 10}', "note", "less than the dearest"),
        (200, b'{"credits": 0}', "wrong", "0.00 credits"),
        (401, b"{}", "wrong", "refuses the key"),
        (404, b"{}", "wrong", "refuses the free balance call"),
        (429, b"{}", "note", "locked the key out"),
        (500, b"{}", "wrong", "does not answer as it should"),
    ],
)
def test_what_the_provider_says_to_the_key_is_told_apart(
    status: int, body: bytes, level: str, words: str
) -> None:
    with provider_server.provider(provider_server.says(status, body)) as server:
        settings = load_settings(None, api_key="sk-planted", stability_api_host=server.url)
        [found] = provider.check(settings)

    assert [request.line for request in server.received] == ["GET /v1/user/balance HTTP/1.1"]

    assert (found.level, words in found.told) == (level, True), found
    assert "sk-planted" not in str(found)


def test_a_provider_that_is_not_there_is_told() -> None:
    nowhere = f"http://127.0.0.1:{embedded_redis.free_port()}"

    [found] = provider.check(load_settings(None, api_key="sk-x", stability_api_host=nowhere))
    [sandbox] = provider.check(load_settings(None, sandbox_url=nowhere))

    assert "can't be reached" in found.told
    assert "nobody answers at SANDBOX_URL" in sandbox.told


def test_a_port_that_somebody_else_holds_is_told_apart_from_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        threading.Thread(target=_hang_up, args=[taken], daemon=True).start()
        [api] = parts.check_api(load_settings(None, port=port))
        [flower] = parts.check_flower(load_settings(None, flower_port=port))
    [free] = parts.check_api(load_settings(None, port=embedded_redis.free_port()))

    assert (api.level, flower.level, free.level) == ("wrong", "wrong", "note")
    assert "set PORT" in api.mend
    assert "set FLOWER_PORT" in flower.mend


def _hang_up(server: socket.socket) -> None:
    for _ in range(4):  # two looks, each a connection to see and one to ask
        try:
            server.accept()[0].close()
        except OSError:
            return


def test_workers_are_counted_and_one_that_keeps_nothing_is_told(services: Services) -> None:
    assert levels(list(parts.check_workers(services))) == {"workers": "note"}

    services.store.heartbeat("celery@one:1", 200, 60_000)
    services.store.heartbeat("celery@two:1", 0, 60_000)
    wrong, hosts = parts.check_workers(services)

    assert "celery@two:1 can keep no images" in wrong.told
    services.store.heartbeat("celery@two:1", 0, 60_000, "provider_unavailable")
    cut_off = next(parts.check_workers(services))
    assert "celery@two:1 alone does not reach the provider" in cut_off.told
    assert "on 2 hosts: one, two" in hosts.told


def test_what_keeps_jobs_from_being_started_is_told(services: Services, redis_client: Any) -> None:
    assert levels(list(parts.check_calls(services))) == {"calls": "ok"}

    Halt(redis_client).begin("prices change")
    services.breaker.note_failure("j", "provider_auth")
    paused, refused = parts.check_calls(services)

    assert "prices change" in paused.told
    assert (refused.level, "provider_auth" in refused.told) == ("wrong", True)


def test_storage_that_takes_pictures_is_fine(services: Services) -> None:
    [found] = storage.check(services)

    assert found.level in {"ok", "note"}  # a busy disk is slow
    assert "GiB free" in found.told


def test_too_few_open_files_and_weak_settings_are_told() -> None:
    greedy = load_settings(None, max_waiters=10_000_000, redis_url="redis://127.0.0.1/0")
    weak = load_settings(None, operator_auth="me:short")

    [files, *_] = machine.check(greedy)
    [valid, password] = machine.check_settings(weak)

    assert (files.level, "ulimit" in files.mend) == ("note", True)
    assert (valid.level, password.level) == ("ok", "note")


def test_a_service_that_is_stopped_tells_where_its_data_is(tmp_path: Path) -> None:
    assert levels(list(embedded.check_stopped(tmp_path))) == {"redis": "note"}

    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "a.1.base.rdb").write_bytes(b"REDIS0011")
    (folder / "a.manifest").write_text("file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1\n")
    where, missing = embedded.check_stopped(tmp_path)

    assert str(tmp_path) in where.told
    assert (missing.level, "a.1.incr.aof is missing" in missing.told) == ("wrong", True)
