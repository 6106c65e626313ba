"""What may be given as a receiver, and how several are combined."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from audiostreamer import Lost, Metadata, PerStream, Receiver
from audiostreamer.testing import RecordingBatchReceiver, RecordingReceiver, ScriptedSource

from .driving import WAYS, Way, assert_paired, blocks, facts, generator, ramp, source

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


class Boom(Exception):
    """From user code."""


class Both(Receiver):
    """One too many."""

    def on_window(self, window: Any) -> None: ...

    def on_windows(self, batch: Any) -> None: ...


@pytest.mark.parametrize(
    ("receiver", "says"),
    [
        (RecordingReceiver, r"RecordingReceiver is a class.*PerStream\(RecordingReceiver\)"),
        (int, "PerStream"),
        ([RecordingReceiver], "PerStream"),
        (Both(), "on_window and on_windows"),
        ([print, Both()], "on_window and on_windows"),
        ("print", "receiver='print'"),
        (3, "receiver=3"),
        ([None], "None"),
    ],
    ids=str,
)
def test_what_is_no_receiver(receiver: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        generator(source(), receiver)


@pytest.mark.parametrize("factory", [RecordingReceiver(), None, 3], ids=str)
def test_what_is_no_factory(factory: Any) -> None:
    with pytest.raises(TypeError, match="PerStream"):
        PerStream(factory)


@ways
def test_a_function(way: Way) -> None:
    seen: list[int] = []
    way(generator(source(), lambda window: seen.append(window.index)))
    assert seen == [0, 1, 2, 3, 4]


def test_the_hooks_in_their_order() -> None:
    script = [*blocks(1), Metadata({"t": "1"}), ramp(50), Lost(10, "stall"), *blocks(1)]
    receiver = RecordingReceiver()
    generator(ScriptedSource(script), receiver).run()
    assert receiver.names == [
        "on_start", "on_stream_start", "on_window", "on_metadata", "on_window", "on_gap", "on_window",
        "on_stream_end", "on_end",
    ]  # fmt: skip


# -- several


def test_several_are_called_in_order() -> None:
    order: list[str] = []

    def named(name: str) -> RecordingReceiver:
        hooks = ("on_start", "on_stream_start", "on_window", "on_gap", "on_metadata", "on_stream_end", "on_end")
        return RecordingReceiver(**{hook: lambda *_, hook=hook: order.append(f"{hook} {name}") for hook in hooks})

    script = [ramp(200), Metadata({"t": "1"}), Lost(10, "stall"), *blocks(1)]  # two windows at a time, then one
    generator(ScriptedSource(script), [named("a"), named("b")]).run()
    assert order[::2] == [entry.replace(" b", " a") for entry in order[1::2]]
    assert len(order) == 2 * 9


@ways
def test_the_result_is_a_tuple(way: Way) -> None:
    first = RecordingReceiver(on_stream_end=lambda stream, ledger: 1)
    inner = [lambda window: None, RecordingReceiver(on_stream_end=lambda stream, ledger: 2)]
    gen = generator(source(), [first, inner])
    way(gen)
    assert gen.report.results == {"scripted": (1, (None, 2))}


@ways
def test_windows_and_batches_may_be_mixed(way: Way) -> None:
    single, batched = RecordingReceiver(), RecordingBatchReceiver()
    gen = generator(ScriptedSource([ramp(1050)]), [single, batched], batch_size=4)
    way(gen)
    assert [facts(w) for w in single.windows] == [facts(w) for w in batched.windows]
    assert len(single.windows) == 11
    assert gen.ledgers["scripted"].delivered == 1050


def test_all_end_even_if_one_fails() -> None:
    receivers = [RecordingReceiver(on_stream_end=Boom("1"), on_end=Boom("2")), RecordingReceiver()]
    with pytest.raises(Boom, match="1"):
        generator(source(), receivers).run()
    for receiver in receivers:
        assert receiver.names[-2:] == ["on_stream_end", "on_end"]


def test_a_stop_in_the_first_of_several_ends_after_that_window() -> None:
    gens: list[Any] = []
    stops = RecordingReceiver(on_window=lambda window: gens[0].stop())
    other = RecordingReceiver()
    gens.append(generator(source(), [stops, other]))
    gens[0].run()
    assert len(stops.windows) == 1
    assert len(other.windows) <= 1
    assert gens[0].ledgers["scripted"].delivered == 100


# -- per stream


class Inner(RecordingReceiver):
    """Remembers all that were made."""

    made: list[Inner]

    def __init__(self, **actions: Any) -> None:
        super().__init__(**actions)
        type(self).made.append(self)


@pytest.fixture
def inner() -> type[Inner]:
    return type("Fresh", (Inner,), {"made": []})


@ways
@pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])
def test_each_stream_has_its_own(way: Way, live: bool, inner: type[Inner]) -> None:
    gen = generator({"a": source(2, live=live), "b": source(3, live=live)}, PerStream(inner))
    way(gen)
    assert len(inner.made) == 2
    for receiver in inner.made:
        ids = {w.stream.id for w in receiver.windows}
        assert len(ids) == 1
        assert receiver.names[:2] == ["on_start", "on_stream_start"]
        assert receiver.names[-2:] == ["on_stream_end", "on_end"]
        assert list(receiver.of("on_end")[0].streams) == list(ids)


def test_its_result_is_the_stream_s() -> None:
    make = lambda: RecordingReceiver(on_stream_end=lambda stream, ledger: (stream.id, ledger.windows))  # noqa: E731
    gen = generator({"a": source(2), "b": source(0)}, PerStream(make))
    assert gen.run().results == {"a": ("a", 2), "b": ("b", 0)}


@ways
def test_it_may_take_batches(way: Way) -> None:
    made: list[RecordingBatchReceiver] = []

    def make() -> RecordingBatchReceiver:
        made.append(RecordingBatchReceiver())
        return made[-1]

    gen = generator([ScriptedSource([ramp(1050)]), source(2)], PerStream(make), batch_size=4)
    way(gen)
    assert [len(one.windows) for one in made] == [11, 2]
    assert max(len(b) for one in made for b in one.batches) <= 4


def test_it_may_make_functions_and_lists() -> None:
    seen: list[int] = []
    gen = generator(source(2), PerStream(lambda: [lambda window: seen.append(window.index), RecordingReceiver()]))
    assert gen.run().results == {"scripted": (None, None)}
    assert seen == [0, 1]


@pytest.mark.parametrize("hook", ["on_start", "on_stream_start", "on_window", "on_stream_end", "on_end"])
def test_its_failure_ends_its_stream_only(hook: str, inner: type[Inner]) -> None:
    def make() -> Inner:
        return inner(**{hook: Boom(hook)}) if not inner.made else inner()

    gen = generator({"a": source(), "b": source()}, PerStream(make), errors="skip")
    gen.run()
    assert list(gen.report.errors) == ["a"]
    assert len(inner.made[1].windows) == 5
    for receiver in inner.made:
        assert receiver.names[-1] == "on_end"
        assert receiver.names.count("on_end") == 1


@pytest.mark.parametrize(
    "factory", [lambda: _boom(), lambda: RecordingReceiver, lambda: Both()], ids=["raises", "class", "both"]
)
def test_a_factory_that_fails(factory: Any) -> None:
    outer = RecordingReceiver()
    gen = generator({"a": source(2)}, [outer, PerStream(factory)], errors="skip")
    gen.run()
    assert list(gen.report.errors) == ["a"]
    assert_paired(outer)


def _boom() -> None:
    raise Boom


def test_nothing_is_kept_of_streams_that_are_over(inner: type[Inner]) -> None:
    receiver = PerStream(inner)
    generator([source() for _ in range(3)], receiver).run()
    assert receiver._inner == {}


# -- batches


@pytest.mark.parametrize("size", [1, 3, 64])
def test_batches_are_no_larger_than_asked(size: int) -> None:
    receiver = RecordingBatchReceiver()
    generator(ScriptedSource([ramp(10_000)]), receiver, batch_size=size).run()
    assert [len(b) for b in receiver.batches] == [size] * (100 // size) + [100 % size] * bool(100 % size)


@pytest.mark.parametrize("tail", ["pad", "crop", "shift", "drop"])
def test_tails_and_gaps_part_batches(tail: str) -> None:
    receiver = RecordingBatchReceiver()
    script = [ramp(550), Lost(30, "stall"), ramp(250)]
    generator(ScriptedSource(script), receiver, tail=tail).run()
    for batch in receiver.batches:
        windows = list(batch)
        assert len({len(w.samples) for w in windows}) == 1
        assert all(w.gap is None for w in windows[1:])
        assert {w.start + 100 == v.start for w, v in pairwise(windows)} <= {True}
    if tail == "crop":
        assert [len(b) for b in receiver.batches] == [5, 1, 2, 1]
        assert receiver.batches[1].samples.shape == (1, 50, 1)
