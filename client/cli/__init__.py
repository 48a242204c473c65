"""The command line: `python -m client`. It needs `rich` besides what the library needs."""
