"""A folder in which runs of a batch follow each other."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from client.cli.batches import BatchRun
from client.cli.inputs import read_prompts
from client.cli.planning import Rules
from client.cli.screen import Screen, Tally
from client.cli.state import FILE, Entry, read_state
from tests.client.cli.kiosk import Kiosk

if TYPE_CHECKING:
    from client import Client, ClientError


class Folder:
    """A folder with a file of prompts; `missed` is what the last run could not fetch."""

    def __init__(self, path: Path) -> None:
        self.path, self.kiosk = path, Kiosk()
        self.out = path / "out"
        self.out.mkdir()
        self.missed: list[tuple[Entry, ClientError]] = []

    def run(self, *prompts: str, machine: bool = True, **rules: Any) -> list[Entry]:
        """Run once."""
        file = self.path / "prompts.txt"
        file.write_text("\n".join(prompts))
        orders = read_prompts(str(file), {}, None)
        client = cast("Client", self.kiosk)
        run = BatchRun(client, client, read_state(self.out, self.kiosk.base_url), Rules(**rules))
        try:
            return run.run(orders, Tally(Screen(machine=machine, quiet=True), len(orders)))
        finally:
            self.missed = run.missed

    def files(self) -> list[str]:
        """Return the images that are there."""
        return sorted(path.name for path in self.out.iterdir() if not path.name.startswith("."))

    def age(self, hours: float) -> None:
        """Let everything have been sent so long ago."""
        told = json.loads((self.out / FILE).read_text())
        for group in told["groups"]:
            group["sent"] -= hours * 3600
        (self.out / FILE).write_text(json.dumps(told))
