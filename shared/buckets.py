"""A bucket as the settings name it: its address, and what the provider's library is to know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Of whom the address is, and how the names of the settings of their library begin.
_PREFIXES = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
_SCHEMES = "s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_FOLDER = re.compile(r"[A-Za-z0-9_.-]+")
_ENDPOINT = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is known beside the address: the library's settings of `.env`, by their names.

    `http` is whether an endpoint is http://, and so may be called without encryption.
    """

    options: Mapping[str, str] = field(repr=False)
    http: bool


def check_storage(value: str) -> str:
    """Return a folder, or the address of a bucket without what does not belong; raise ValueError."""
    scheme = re.match(r"([A-Za-z0-9+.-]+)://", value)
    if scheme is None or value.startswith("file:///"):
        return value.removeprefix("file://")
    if scheme[1] not in _PREFIXES:
        raise ValueError(f"must be a folder, file:///folder, {_SCHEMES}")
    bucket, *folders = value[scheme.end() :].rstrip("/").split("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(
            "must name a bucket of 3 to 63 small letters, digits, points and hyphens,"
            f" as {scheme[1]}://my-pictures/prefix"
        )
    if any(not _FOLDER.fullmatch(name) or name in {".", ".."} for name in folders):
        raise ValueError(
            "must have a prefix of letters, digits, points, hyphens and underscores,"
            f" as {scheme[1]}://{bucket}/pictures"
        )
    return "/".join([f"{scheme[1]}://{bucket}", *folders])


def is_bucket(storage: str) -> bool:
    """Tell whether a checked STORAGE_URL is that of a bucket."""
    return storage.partition("://")[0] in _PREFIXES and "://" in storage


def read_bucket(
    storage: str, written: Mapping[str, str | None], environment: Mapping[str, str]
) -> Bucket | None:
    """Return what `.env` and the environment say of a bucket; None for a folder; raise ValueError.

    The library reads the environment by itself, so what stands there is not repeated.
    """
    if not is_bucket(storage):
        return None
    prefix = _PREFIXES[storage.partition("://")[0]]
    options = {
        name: value
        for name, value in written.items()
        if value and name.startswith(prefix) and name not in environment
    }
    all_of_them = {**options, **environment}
    endpoints = {
        name: all_of_them[name]
        for name in all_of_them
        if name.startswith(prefix) and re.search(r"ENDPOINT(_URL(_S3)?)?$", name)
    }
    for name, value in endpoints.items():
        if not _ENDPOINT.fullmatch(value):
            raise ValueError(f"{name} must be an http or https URL")
    return Bucket(options, any(value.startswith("http://") for value in endpoints.values()))


def empty_names(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the library's settings that have no value: for us they are unset."""
    prefixes = tuple(_PREFIXES.values())
    return [name for name, value in environment.items() if not value and name.startswith(prefixes)]
