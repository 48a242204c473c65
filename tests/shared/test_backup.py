"""A backup of a running service is put back: nothing of it is lost, and no picture is bought again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared import backup, embedded_redis
from shared.folder_store import FolderStore
from shared.queue import dispatch
from shared.services import Services, build_services
from shared.settings import Settings, load_settings
from tests.builders import accepted, known
from tests.fakes import RememberingQueue, ScriptedProvider
from tests.redis_server import start, wait_until_it_answers
from tests.worker.bench import IMAGE, PICTURE, workshop
from worker.make_image import make_image

IMAGE_NAME, INPUT_NAME = "a" * 22 + ".png", "0" * 32 + ".png"
PERSONAL = "a fox of which nobody must know"


@contextmanager
def running(settings: Settings) -> Iterator[Services]:
    """Run the server of a service's folder, with what works on it."""
    folder = settings.data_dir
    url = embedded_redis.prepare(folder)
    process = start(folder)
    told = settings.model_copy(update={"redis_url": SecretStr(url)})
    services = build_services(told, RememberingQueue())
    try:
        wait_until_it_answers(url)
        services.store.heartbeat("w", 100, 60_000)
        yield services
    finally:
        services.store._redis.connection_pool.disconnect()  # noqa: SLF001
        process.terminate()
        process.wait(timeout=10)


def make(services: Services, provider: ScriptedProvider) -> None:
    """Make what can start."""
    queue = services.queue
    assert isinstance(queue, RememberingQueue)
    dispatch(services.store, queue)
    while queue.sent:
        make_image(queue.sent.pop(), workshop(services, provider))


def house(folder: Path) -> Settings:
    """Return the settings of a service in a folder of its own."""
    return load_settings(
        None,
        data_dir=str(folder / "data"),
        storage_url=str(folder / "images"),
        provider_rate="10000/10s",
        provider_rate_guard_ms=0,
    )


def written(folder: Path) -> bytes:
    """Return all that stands in the files of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_was_backed_up_ends_after_a_restore_and_is_bought_once(tmp_path: Path) -> None:
    old, new = house(tmp_path / "old"), house(tmp_path / "new")
    provider = ScriptedProvider(*[IMAGE] * 3)
    with running(old) as services:
        done = accepted(services.store)
        make(services, provider)
        under_way, queued = accepted(services.store), accepted(services.store)
        backup.save(old, tmp_path / "backup")
        # what is made between the two copies of a backup is only among the pictures
        (tmp_path / "backup" / "pictures" / under_way.image).write_bytes(PICTURE)
        unknown = accepted(services.store)

    told = backup.restore(new, tmp_path / "backup")

    assert told == "3 jobs and 2 missing files are back, and the service is paused"
    with running(new) as services:
        make(services, provider)
        assert known(services.store, queued.id).status == "queued"
        halted = services.halt.state()
        assert halted
        assert halted.reason.startswith("Restored from a backup")

        services.halt.end()
        make(services, provider)

        made = {job.id: known(services.store, job.id) for job in (done, under_way, queued)}
        assert {job.status for job in made.values()} == {"succeeded"}
        assert len(provider.calls) == 2
        assert services.images.find(done.image)
        assert services.store.get(unknown.id) is None


def test_a_restored_store_keeps_what_comes_after(tmp_path: Path) -> None:
    old = house(tmp_path)
    with running(old) as services:
        accepted(services.store)
        backup.save(old, tmp_path / "backup")
    (tmp_path / "data").rename(tmp_path / "lost")
    backup.restore(old, tmp_path / "backup")

    with running(old) as services:
        later = accepted(services.store)
    with running(old) as services:
        assert known(services.store, later.id).status == "queued"


def test_what_was_removed_is_in_no_file_any_more(tmp_path: Path) -> None:
    settings = house(tmp_path)
    with running(settings) as services:
        # else what is kept could not be found in the files either
        services.store._redis.config_set("rdbcompression", "no")  # noqa: SLF001
        job = accepted(services.store, request={"prompt": PERSONAL})
        backup.save(settings, tmp_path / "backup")
        services.store.cancel([job.id])
        assert services.retirement.erase(known(services.store, job.id))
        assert PERSONAL.encode() in written(settings.data_dir)

        backup.compact(settings)

        assert PERSONAL.encode() not in written(settings.data_dir)
    # but in the backup it is
    assert PERSONAL.encode() in written(tmp_path / "backup")


def test_a_backup_opens_to_its_owner_alone(tmp_path: Path) -> None:
    settings, folder = house(tmp_path), tmp_path / "backup"
    folder.mkdir(mode=0o755)
    with running(settings):
        backup.save(settings, folder)

    assert [path.name for path in folder.iterdir()] == ["store.rdb"]
    modes = [path.stat().st_mode & 0o777 for path in (folder, folder / "store.rdb")]
    assert modes == [0o700, 0o600]


def test_a_backup_that_was_broken_off_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, new, folder = house(tmp_path / "old"), house(tmp_path / "new"), tmp_path / "backup"
    with running(settings), monkeypatch.context() as patch:
        patch.setattr(backup, "_copy_missing", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backup.save(settings, folder)

    with pytest.raises(backup.BackupError, match="no whole backup"):
        backup.restore(new, folder)
    whole = (folder / ".writing-store.rdb").read_bytes()
    (folder / "store.rdb").write_bytes(whole[:-9])
    with pytest.raises(backup.BackupError, match="does not start with"):
        backup.restore(new, folder)
    assert list(new.data_dir.iterdir()) == []


def test_a_restore_that_was_broken_off_leaves_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store.rdb").write_bytes(b"REDIS0011")
    (tmp_path / "pictures").mkdir()
    settings = house(tmp_path / "new")
    monkeypatch.setattr(backup, "_load", lambda *_: 0)
    monkeypatch.setattr(backup, "_copy_missing", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        backup.restore(settings, tmp_path)

    assert list(settings.data_dir.iterdir()) == []


def test_what_is_not_ours_is_not_copied(tmp_path: Path) -> None:
    images, copied = FolderStore(tmp_path / "images"), tmp_path / "images" / "copied"
    images.put(IMAGE_NAME, PICTURE)
    images.put_input(INPUT_NAME, PICTURE)
    for other in ("notes.txt", ".writing-1", "inputs/notes.txt"):
        (images.folder / other).touch()
    (images.folder / f"{'b' * 22}.png").symlink_to(tmp_path / "elsewhere")

    assert backup._copy_missing(images.folder, copied) == 2  # noqa: SLF001
    assert backup._copy_missing(images.folder, copied) == 0  # noqa: SLF001

    there = {str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()}
    assert there == {IMAGE_NAME, f"inputs/{INPUT_NAME}"}


def test_nothing_is_written_over(tmp_path: Path) -> None:
    settings, full = house(tmp_path), tmp_path / "full"
    full.mkdir()
    (full / "store.rdb").write_bytes(b"REDIS0011")
    (settings.data_dir / "appendonlydir").mkdir(parents=True)

    with pytest.raises(backup.BackupError, match="is not empty"):
        backup.save(settings, full)
    with pytest.raises(backup.BackupError, match="is a store already"):
        backup.restore(settings, full)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "usage: "),
        (["save", ""], "usage: "),
        (["save", "there"], "No service was ever started in"),
        (["restore", "nowhere"], "There is no store.rdb in nowhere"),
        (["compact"], "No service was ever started in"),
    ],
)
def test_what_can_t_be_done_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)

    assert backup.main(arguments) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"backup: {told}")
