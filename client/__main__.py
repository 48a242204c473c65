"""`python -m client`: order images from a terminal or a script."""

import signal
import sys

# until there is something to end in order, Ctrl-C just ends it
signal.signal(signal.SIGINT, signal.SIG_DFL)
try:
    from client.cli.main import main
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is needed: python -m pip install requests rich")

if __name__ == "__main__":
    # from here on it is told what goes on, and the terminal's cursor is shown again
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
