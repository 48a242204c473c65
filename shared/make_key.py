"""`make key NAME=alice`: print a fresh client key, and what the service and its owner need to know."""

import sys

from shared.client_keys import NAME_RULE, is_name, new_key, setting_of, webhook_secret_of
from shared.settings import Settings, SettingsError, load_settings


def told(name: str, settings: Settings) -> str:
    """Return what is printed of a new key: the only time that it is seen."""
    key = new_key()
    known = [each.name for each in settings.client_keys]
    entry = setting_of(name, key)
    lines = [f"The key, for {name} alone; it is shown this once:", f"  {key}", ""]
    if name in known:
        lines.append(f"In .env, in place of {name}'s entry in CLIENT_KEYS (its jobs stay its own):")
        lines.append(f"  {entry}")
    elif known:
        lines += ["In .env, behind what CLIENT_KEYS has:", f"  ,{entry}"]
    else:
        lines += ["In .env:", f"  CLIENT_KEYS={entry}"]
    if settings.webhook_secret is not None:
        secret = webhook_secret_of(name, settings.webhook_secret.get_secret_value())
        lines += ["", f"The secret that {name}'s webhooks are signed with:", f"  {secret}"]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print a key for the one name that is given; return the exit code."""
    if len(arguments) != 1 or not is_name(arguments[0]):
        print(f"make key: say whose it is, as `make key NAME=alice`: {NAME_RULE}", file=sys.stderr)
        return 2
    try:
        print(told(arguments[0], load_settings()))
    except SettingsError as error:
        print(f"make key: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
