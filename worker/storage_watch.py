"""Can pictures be written? Looked at beside the jobs, so that none is started that could not be kept."""

import logging
import threading
import time

from shared.image_store import ImageStore

_log = logging.getLogger(__name__)
LOOK_SECONDS = 2.0
# A look at a folder takes a millisecond; a network folder that is away may hang for ever.
_HANGS_SECONDS = 10.0
# Until the first look is done nobody knows; it comes at once.
_FIRST_SECONDS = 0.5


class StorageWatch:
    """`look` from a thread of its own; `trouble` answers at once."""

    def __init__(self, images: ImageStore) -> None:
        self._images = images
        self._trouble = ""
        self._begun: float | None = None
        self._looked = threading.Event()

    def look(self) -> None:
        """Look whether an image could be written now."""
        self._begun = time.monotonic()
        trouble = self._images.trouble()
        self._begun = None
        if trouble != self._trouble:
            _log.warning("storage", extra={"storage": trouble or "ok"})
        self._trouble = trouble
        self._looked.set()

    def trouble(self) -> str:
        """Return what the last look found, or that one hangs; nothing when all is well."""
        self._looked.wait(_FIRST_SECONDS)
        return "does not answer" if self.hangs() else self._trouble

    def hangs(self) -> bool:
        """Tell whether a look takes so long that it may never end."""
        begun = self._begun
        return begun is not None and time.monotonic() - begun > _HANGS_SECONDS
