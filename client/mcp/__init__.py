"""The service as tools of an assistant (Model Context Protocol): `python -m client.mcp`.

It needs what requirements-mcp.txt lists besides what the library needs, and is the library's caller.
"""
