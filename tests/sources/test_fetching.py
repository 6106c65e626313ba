from __future__ import annotations

import asyncio
import errno
import io
import random
import threading
import time

import pytest

from audiostreamer.errors import (
    AccessDeniedError,
    SourceError,
    SourceNotFoundError,
    SourceTimeoutError,
    TruncatedSourceError,
)
from audiostreamer.sources import fetching
from audiostreamer.sources.fetching import FIRST_BYTES, BlockFile, Caller, foreign_errors

DATA = random.Random(1).randbytes(12_000_000)


class Fetches:
    """Serves `DATA`, and notes what was asked for."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.spans: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> bytes:
        self.spans.append((start, end))
        return self.data[start:end]


def test_reading_on_asks_for_longer_and_longer_blocks() -> None:
    fetches = Fetches()
    file = BlockFile(len(DATA), fetches, "x")
    assert b"".join(iter(lambda: file.read(10_000), b"")) == DATA
    lengths = [end - start for start, end in fetches.spans]
    assert lengths == [FIRST_BYTES << n for n in range(6)] + [len(DATA) - 63 * FIRST_BYTES]


def test_slow_blocks_stay_short(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 2))
    monkeypatch.setattr(fetching.time, "monotonic", lambda: next(clock))
    fetches = Fetches()
    BlockFile(len(DATA), fetches, "x").read(1_000_000)
    assert {end - start for start, end in fetches.spans} == {FIRST_BYTES}


def test_a_small_file_comes_in_one_request() -> None:
    fetches = Fetches(DATA[:1_000_000])
    file = BlockFile(1_000_000, fetches, "x")
    assert file.read() == DATA[:1_000_000]
    assert len(fetches.spans) == 1


def test_going_to_and_fro_asks_once_for_each_place() -> None:
    fetches = Fetches()
    file = BlockFile(len(DATA), fetches, "x")
    for _ in range(5):
        file.seek(0)
        assert file.read(100) == DATA[:100]
        file.seek(-100, io.SEEK_END)
        assert file.read() == DATA[-100:]
        file.seek(5_000_000)
        assert file.read(100) == DATA[5_000_000:5_000_100]
    assert fetches.spans == [(0, FIRST_BYTES), (len(DATA) - 100, len(DATA)), (5_000_000, 5_000_000 + FIRST_BYTES)]


def test_what_is_known_is_not_asked_for() -> None:
    fetches = Fetches()
    file = BlockFile(len(DATA), fetches, "x", head=DATA[:1000])
    assert file.read(1500) == DATA[:1500]
    assert fetches.spans == [(1000, 3000)]


def test_any_places_and_lengths() -> None:
    chosen = random.Random(3)
    file, real = BlockFile(len(DATA), Fetches(), "x"), io.BytesIO(DATA)
    for _ in range(200):
        at, length = chosen.randrange(len(DATA) + 1000), chosen.choice([0, 1, 1000, 700_000])
        assert (file.seek(at), file.tell()) == (real.seek(at), real.tell())
        assert file.read(length) == real.read(length)


def test_the_end() -> None:
    file = BlockFile(10, Fetches(DATA[:10]), "x")
    assert file.seek(0, io.SEEK_END) == 10
    assert file.read(5) == b""
    assert file.seek(-20, io.SEEK_CUR) == 0
    assert BlockFile(0, Fetches(b""), "x").read() == b""


def test_fewer_bytes_than_promised() -> None:
    file = BlockFile(300_000, Fetches(DATA[:1000]), "x://a")
    assert file.read(5000) == DATA[:1000], "what came is given first"
    for _ in range(2):
        with pytest.raises(TruncatedSourceError, match="x://a: 1000 bytes came of 300000"):
            file.read(5000)


def test_blocks_may_come_in_parts() -> None:
    file = BlockFile(len(DATA), lambda start, end: DATA[start : min(end, start + 99_991)], "x")
    assert file.read() == DATA


def test_finish_is_asked_for_with_the_last_byte() -> None:
    asked = []
    file = BlockFile(len(DATA), Fetches(), "x", finish=lambda: asked.append(file.tell()))
    file.read(1_000_000)
    assert not asked
    file.read()
    assert len(asked) == 1
    one = BlockFile(1000, Fetches(DATA[:1000]), "x", finish=lambda: pytest.fail("it took one request"))
    one.read()


def test_what_finish_raises_comes_again() -> None:
    def changed() -> None:
        raise SourceError("changed")

    file = BlockFile(2_000_000, Fetches(DATA[:2_000_000]), "x", finish=changed)
    got = file.read(10_000_000)
    assert DATA.startswith(got)
    for _ in range(2):
        with pytest.raises(SourceError, match="changed"):
            file.read(1)


async def forever() -> None:
    await asyncio.Event().wait()


async def seven() -> int:
    return 7


def test_a_call_gives_its_result() -> None:
    assert Caller("x", 10.0)(seven) == 7
    assert Caller("x", 10.0)(seven, bounded=False) == 7


def test_a_call_is_bounded() -> None:
    before = time.monotonic()
    with pytest.raises(SourceTimeoutError, match=r"x://a: no answer within 0\.05 s") as caught:
        Caller("x://a", 0.05)(forever)
    assert isinstance(caught.value, TimeoutError)
    assert time.monotonic() - before < 5


def test_errors_pass() -> None:
    async def fails() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        Caller("x", 10.0)(fails)


def test_interrupt_ends_the_call_and_refuses_the_next() -> None:
    caller, started, outcome = Caller("x", 10.0), threading.Event(), list[BaseException]()

    async def begins() -> None:
        started.set()
        await forever()

    def call() -> None:
        try:
            caller(begins, bounded=False)
        except SourceError as error:
            outcome.append(error)

    thread = threading.Thread(target=call, name="caller")
    thread.start()
    assert started.wait(10)
    caller.interrupt()
    thread.join(2.0)
    assert not thread.is_alive()
    assert "interrupted" in str(outcome[0])
    with pytest.raises(SourceError, match="interrupted"):
        caller(seven)


def test_cleaning_up_works_after_interrupt_and_is_bounded() -> None:
    caller, done = Caller("x", 0.05), []

    async def clean() -> None:
        done.append(1)

    caller.interrupt()
    caller.last(clean)
    assert done == [1]
    caller.last(forever)


def test_opening_shares_one_time_out() -> None:
    caller, before = Caller("x://a", 0.2), time.monotonic()

    def calls_for_ever() -> None:
        with caller.opening():
            while True:
                caller(seven, bounded=False)

    with pytest.raises(SourceTimeoutError, match=r"x://a: could not be opened within 0\.2 s"):
        calls_for_ever()
    assert time.monotonic() - before < 5
    assert caller(seven, bounded=False) == 7


def test_opening_forgets_an_interrupt() -> None:
    caller = Caller("x", 10.0)
    caller.interrupt()
    with caller.opening():
        assert caller(seven) == 7


def test_bytes_that_come_make_the_time_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(fetching.time, "monotonic", lambda: now[0])
    caller = Caller("x", 10.0)
    with caller.opening():
        for now[0] in (8.0, 16.0, 24.0):
            caller.came(1 << 16)
        now[0] = 33.0
        assert caller(seven, bounded=False) == 7
        caller.came(1000)
        now[0] = 35.0
        with pytest.raises(SourceTimeoutError):
            caller(forever, bounded=False)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.EACCES, "hunter2"), AccessDeniedError, "Permission denied"),
        (PermissionError("hunter2"), AccessDeniedError, "access denied"),
        (FileNotFoundError("hunter2"), SourceNotFoundError, "not found"),
        (OSError("a", "hunter2"), SourceError, "Input/output error"),
        (RuntimeError("hunter2"), SourceError, "cannot be read: RuntimeError"),
    ],
)
def test_a_drivers_words_stay_out(error: Exception, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError) as caught, foreign_errors("x://a"):
        raise error
    assert (type(caught.value), str(caught.value)) == (kind, f"x://a: {words}")
