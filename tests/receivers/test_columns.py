"""Folding: what a picture remembers of a long stream."""

import numpy as np
import pytest

from audiostreamer.receivers.columns import Columns


def fill(columns, starts, values, frames=10, at_once=7):
    for first in range(0, len(starts), at_once):
        part = slice(first, first + at_once)
        columns.add(np.asarray(starts[part], np.int64), frames, np.asarray(values[part], float)[:, None])
    return columns.means()[:, 0]


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("hop", [1, 4, 10])
def test_one_column_per_window(at_once, hop):
    columns = Columns(1, limit=64)
    values = np.arange(50.0)
    np.testing.assert_array_equal(fill(columns, 100 + hop * np.arange(50), values, at_once=at_once), values)
    assert (columns.origin, columns.step, columns.window) == (100, hop, 10)


def test_neighbours_are_averaged_past_the_limit():
    columns = Columns(1, limit=8)
    found = fill(columns, 10 * np.arange(20), np.arange(20.0))
    np.testing.assert_array_equal(found, [1.5, 5.5, 9.5, 13.5, 17.5])
    assert columns.step == 40


@pytest.mark.parametrize("shift", range(1, 10))
def test_a_new_grid_after_a_gap_leaves_no_hole(shift):
    starts = np.concatenate([10 * np.arange(5), 100 + shift + 10 * np.arange(5)])
    empty = np.isnan(fill(Columns(1, limit=64), starts, np.ones(10)))
    assert np.flatnonzero(empty).tolist() == [5, 6, 7, 8, 9]


def test_a_gap_of_a_year_fits():
    year = 365 * 86400 * 48_000
    found = fill(Columns(1, limit=16), [0, 480, year, year + 480], [1.0, 1.0, 3.0, 3.0], frames=480)
    assert len(found) <= 16
    assert (found[0], found[-1]) == (1.0, 3.0)
    assert np.isnan(found[1:-1]).all()


def test_a_single_window():
    columns = Columns(1)
    assert fill(columns, [5], [2.0]).tolist() == [2.0]
    assert columns.step == 0


def test_a_shifted_tail_does_not_set_the_step():
    columns = Columns(1)
    fill(columns, [0, 1], [1.0, 2.0], frames=1600)
    assert columns.step == 100
