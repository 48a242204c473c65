"""The folder in which a test looks at what a store has kept."""

from pathlib import Path

from shared.folder_store import FolderStore
from shared.image_store import ImageStore


def folder_of(images: ImageStore) -> Path:
    """Return the folder of a store that keeps its images in one."""
    assert isinstance(images, FolderStore)
    return images.folder
