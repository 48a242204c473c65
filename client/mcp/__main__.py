"""`python -m client.mcp --stdio` or `--http 127.0.0.1:5601`: the tools, for assistants."""

import sys

try:
    from client.mcp.main import main
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is needed: python -m pip install -r requirements-mcp.txt")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
