"""The HTTP side: accepts and validates requests, answers, waits, and hands out images.

Importing this package must stay free of imports: `python -m api` patches the standard library first.
"""
