"""Client keys: who may call, by the hash of what they present."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_EXAMPLE = "name:key,name:key"
_HASHED = "sha256:"
# Whatever is shorter is guessed; `make key` gives 43.
SHORTEST_KEY = 8
# It stands in every record and in the store's names, and is short for that.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
NAME_RULE = "1 to 32 letters, digits, dots, dashes or underscores, the first a letter or digit"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One key: whose it is, and the SHA-256 of it. The key itself is kept nowhere."""

    name: str
    digest: bytes = field(repr=False)


def find_owner(presented: str, keys: Iterable[ClientKey]) -> str | None:
    """Return the name of the key that was presented, or None.

    How long it takes tells nothing: all are compared, by hashes.
    """
    digest = _hash(presented)
    owner = None
    for key in keys:
        if hmac.compare_digest(digest, key.digest):
            owner = key.name
    return owner


def new_key() -> str:
    """Return a fresh key: 256 random bits."""
    return secrets.token_urlsafe(32)


def setting_of(name: str, key: str) -> str:
    """Return what `CLIENT_KEYS` needs to know of a key."""
    return f"{name}:{_HASHED}{_hash(key).hex()}"


def webhook_secret_of(owner: str, secret: str) -> str:
    """Return by what a caller's webhooks are signed: `WEBHOOK_SECRET` itself for the open caller.

    Every key has one of its own, so that none can forge another's.
    """
    if not owner:
        return secret
    derived = hmac.new(secret.encode(), owner.encode(), hashlib.sha256).digest()
    return f"whsec_{base64.b64encode(derived).decode()}"


def is_name(name: str) -> bool:
    """Tell whether a client key may have this name."""
    return _NAME.fullmatch(name) is not None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _parse(value: object) -> object:
    """Read the setting; no message has a key in it, nor what may be one."""
    if not isinstance(value, str):
        return value
    entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    if not entries:
        raise ValueError(f"must be {_EXAMPLE}")
    return tuple(_read(number, entry) for number, entry in enumerate(entries, 1))


def _read(number: int, entry: str) -> ClientKey:
    name, colon, key = entry.partition(":")
    if not colon:
        raise ValueError(f"must be {_EXAMPLE}; entry {number} has no colon")
    if not is_name(name):
        raise ValueError(
            f"must begin each entry with a name ({NAME_RULE}); entry {number} does not"
        )
    if key.startswith(_HASHED):
        hashed = key.removeprefix(_HASHED).lower()
        if not re.fullmatch(r"[0-9a-f]{64}", hashed):
            raise ValueError(f"must have 64 hex digits behind sha256:; {name}'s key has not")
        return ClientKey(name, bytes.fromhex(hashed))
    if not re.fullmatch(r"[!-~]+", key):
        raise ValueError(f"must have keys of letters, digits and signs; {name}'s is not one")
    if len(key) < SHORTEST_KEY:
        raise ValueError(
            f"must have keys of at least {SHORTEST_KEY} characters; {name}'s is shorter"
            f" (`make key NAME={name}` makes one)"
        )
    return ClientKey(name, _hash(key))


def _check(keys: tuple[ClientKey, ...]) -> tuple[ClientKey, ...]:
    names: set[str] = set()
    owners: dict[bytes, str] = {}
    for key in keys:
        if key.name.casefold() in names:
            raise ValueError(f"must name each key once; {key.name} comes twice")
        if key.digest in owners:
            raise ValueError(
                f"must give everybody a key of their own; {owners[key.digest]} and {key.name} share one"
            )
        names.add(key.name.casefold())
        owners[key.digest] = key.name
    return keys


ClientKeys = Annotated[tuple[ClientKey, ...], BeforeValidator(_parse), AfterValidator(_check)]
