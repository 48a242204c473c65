"""Bodies that many send at once and do not end: a process holds so much of them and no more."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import IterUnreader

from api import arriving
from api.arriving import Arriving
from shared.errors import Busy

PIECE = bytes(1_000)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(arriving, "MOST_HELD", 2_500)
    yield
    assert Arriving.all_held == 0


def body(*came: bytes, length: int | None) -> Arriving:
    """Return a body of which so much has come, in chunks when it has no length."""
    unreader = IterUnreader(came)
    request = SimpleNamespace(unreader=unreader, force_close=lambda: None)
    reader = ChunkedReader(request, unreader) if length is None else LengthReader(unreader, length)
    request.body = Body(reader)
    return Arriving(request)


def test_what_is_too_much_in_all_is_refused_and_each_gives_its_share_back() -> None:
    first, second, third = (body(PIECE, PIECE, length=9_999) for _ in range(3))
    assert first.read(1_000) == second.read(1_000) == PIECE

    with pytest.raises(Busy):
        third.read(1_000)
    assert third.broken

    for each in (first, third):
        each.let_go()
    assert second.read(1_000) == PIECE
    second.let_go()


def test_what_has_ended_is_not_counted_any_more() -> None:
    for _ in range(5):
        assert body(PIECE, PIECE, length=2_000).read() == PIECE * 2
        assert body(b"3e8\r\n", PIECE, b"\r\n0\r\n\r\n", length=None).read() == PIECE
