"""The store of pictures that the settings name: a folder, or a bucket."""

from pathlib import Path

from obstore.exceptions import BaseError

from shared.bucket_client import Aside, Client, here
from shared.bucket_store import BucketStore
from shared.folder_store import FolderStore
from shared.image_store import ImageStore
from shared.settings import Settings, SettingsError

# `/readyz`, `/metrics` and every job ask whether a folder can be written.
_LOOK_SECONDS = 1.0


def open_images(settings: Settings, aside: Aside = here) -> ImageStore:
    """Return the store; opens no connection. Raises SettingsError that says what a bucket lacks.

    `aside` runs what blocks a thread, for a process in which others would wait meanwhile.
    """
    if not settings.bucket:
        return FolderStore(Path(settings.storage_url), _LOOK_SECONDS)
    bucket = settings.bucket
    try:
        client = Client(settings.storage_url, bucket.options, http=bucket.http, aside=aside)
    except BaseError as error:
        # the first line: those after it are of the library's inside
        told = str(error).partition("\n")[0].rstrip(".")
        raise SettingsError(f"STORAGE_URL {settings.storage_url} can't be used: {told}") from None
    return BucketStore(client)
