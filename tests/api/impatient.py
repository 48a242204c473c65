"""`python -m tests.api.impatient`: the API as it is run, with less patience than it has otherwise."""

import sys

import api.__main__ as run  # first: it patches the standard library
from api import arriving, unreadable

run.HEAD_SECONDS = 1
unreadable.UNREAD_SECONDS = 1
arriving.BODY_SECONDS = 2
arriving.BYTES_A_SECOND = 64 * 1024
arriving.MOST_HELD = 2_000_000
sys.exit(run.main())
