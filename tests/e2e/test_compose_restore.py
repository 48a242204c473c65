"""The lines of docs/operations.md that put a backup into volumes, pasted into a shell without Docker."""

import os
import re
import subprocess
from pathlib import Path

import pytest

_PAGE = (Path(__file__).parent.parent.parent / "docs" / "operations.md").read_text()
# Stands for what the lines call: services are folders, what they run is run here.
_DOCKER = """#!/bin/sh
echo "$*" | head -n 1 >> "$HOUSE/calls"
case "$*" in
*" worker sh -c"*) place=worker ;;
*" redis sh -c"*) place=volume ;;
*) exit 0 ;;
esac
cd "$HOUSE/$place" || exit 1
for last; do :; done
exec sh -c "$(printf %s "$last" | sed "s:/backups:$HOUSE/backups:; s:/tmp/store:$HOUSE/worker/store:")"
"""
_RESTORE = """#!/bin/sh
echo "restored $4"
test -e "$4/store.rdb" || exit 1
mkdir -p "$HOUSE/worker/store/appendonlydir" && cd "$HOUSE/worker/store/appendonlydir" || exit 1
echo data > appendonly.aof.1.base.rdb
echo "file appendonly.aof.1.base.rdb seq 1 type b" > appendonly.aof.manifest
"""


class House:
    """A folder with a backup, a volume, and a shell in which they are all there is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("bin", "worker", "volume", "backups/monday"):
            (folder / name).mkdir(parents=True)
        for name, text in (("docker", _DOCKER), ("python", _RESTORE)):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o700)
        (folder / "backups" / "monday" / "store.rdb").touch()

    def paste(self, day: str = "monday") -> None:
        """Paste the lines into a shell that goes on after whatever fails."""
        lines = re.search(r"```\n(  docker compose up --no-start.*?)```", _PAGE, re.DOTALL)
        assert lines
        subprocess.run(
            ["/bin/bash", "-c", lines[1].replace("/backups/monday", f"/backups/{day}")],
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOUSE": str(self.folder)},
            cwd=self.folder,
            capture_output=True,
            check=False,
        )

    @property
    def started(self) -> bool:
        """Tell whether the service was started."""
        return "compose up -d\n" in (self.folder / "calls").read_text()

    @property
    def store(self) -> list[str]:
        """Return the files of the store in the volume."""
        return sorted(path.name for path in self.folder.glob("volume/appendonlydir/*"))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Give a house with a whole backup and an empty volume."""
    return House(tmp_path)


def test_a_backup_is_put_back_and_then_the_service_starts(house: House) -> None:
    house.paste()

    assert house.store == ["appendonly.aof.1.base.rdb", "appendonly.aof.manifest"]
    assert house.started
    assert not list(house.folder.glob("volume/.half"))


def test_with_a_wrong_folder_nothing_starts_and_no_store_is_made(house: House) -> None:
    house.paste("mondya")

    assert house.store == []
    assert not house.started
    house.paste()  # and the right one can follow
    assert house.started


@pytest.mark.parametrize("missing", ["appendonly.aof.manifest", "appendonly.aof.1.base.rdb"])
def test_a_store_that_is_not_whole_is_not_moved_in(house: House, missing: str) -> None:
    restore = house.folder / "bin" / "python"
    restore.write_text(f"{_RESTORE}rm {missing}\n")

    house.paste()

    assert house.store == []
    assert not house.started


def test_a_store_that_is_there_stays_and_is_not_started_as_if_it_were_the_backup(
    house: House,
) -> None:
    (house.folder / "volume" / "appendonlydir").mkdir()
    (house.folder / "volume" / "appendonlydir" / "mine").touch()

    house.paste()

    assert house.store == ["mine"]
    assert not house.started
