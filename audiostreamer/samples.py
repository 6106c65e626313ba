"""Sample types: integers in, floats to work in, floats or int16 out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DTYPES", "SAMPLE_TYPES", "from_float", "scalar_from_float", "to_float"]

DTYPES = ("float32", "float64", "int16")
SAMPLE_TYPES = tuple(np.dtype(name) for name in ("float32", "float64", "int16", "int32", "int8", "uint8"))
_FULL_SCALE = 32768  # of int16, as soundfile scales


def to_float(samples: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Samples as floats on the scale [-1, 1].

    Args:
        samples: Any shape; one of `SAMPLE_TYPES` (uint8 is offset binary).
        dtype: ``"float32"`` or ``"float64"``.

    Returns:
        A new array, or `samples` itself if nothing is to be done.

    Raises:
        TypeError: Another sample type.
    """
    if samples.dtype.kind == "f":
        return samples.astype(dtype, copy=False)
    if samples.dtype == np.uint8:
        samples, bits = samples.astype(np.int16) - 128, 8
    elif samples.dtype in SAMPLE_TYPES:
        bits = 8 * samples.dtype.itemsize
    else:
        raise TypeError(f"samples of type {samples.dtype} are not audio: use {', '.join(map(str, SAMPLE_TYPES))}")
    scaled: NDArray[Any] = np.multiply(samples, 2.0 ** (1 - bits), dtype=dtype)
    return scaled


def from_float(samples: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Floats in the delivered type. int16: times 32768, half to even, saturating; NaN becomes 0."""
    if dtype != "int16":
        return samples.astype(dtype, copy=False)
    scaled = np.rint(samples * _FULL_SCALE)
    np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1, out=scaled)
    whole: NDArray[Any] = np.nan_to_num(scaled, copy=False).astype(np.int16)
    return whole


def scalar_from_float(value: float, dtype: str) -> float:
    """One value on the float scale, as `from_float` delivers it."""
    scalar: float = from_float(np.asarray([value], np.float64), dtype).item()
    return scalar
