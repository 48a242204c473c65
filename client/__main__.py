"""`python -m client`: order images from a terminal or a script."""

import sys

try:
    from client.cli.main import main
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is needed: python -m pip install requests rich")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
