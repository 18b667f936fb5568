"""What all tests share: verified graphs, a cache of their own, what "equal to rounding" means."""

import os

import numpy as np
import pytest

from gradiente.backends.native import loading

os.environ["GRADIENTE_CHECK"] = "1"
os.environ["GRADIENTE_CACHE"] = "off"  # while tests are collected


@pytest.fixture(scope="session", autouse=True)
def compiled_code_is_kept_for_the_session(tmp_path_factory):
    """A cache of the session's own, so that the tests also run on code that was loaded."""
    os.environ["GRADIENTE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def nothing_is_loaded_already():
    """Each test writes and loads the programs it runs: it may look at how, or change it."""
    loading.forget()


@pytest.fixture
def every_improvement(monkeypatch):
    """For tests of what the improvements make; all others hold with each of them left out."""
    monkeypatch.setenv("GRADIENTE_SKIP", "")


# Native words are exact to 2.5 units in the last place and NumPy's to one or two (both say so).
UNITS = 4.0


@pytest.fixture(scope="session")
def equal_to_rounding():
    """Assert that an array is NumPy's: shape, type, NaN, infinities, signs of zeros, and numbers.

    Finite floating numbers may differ by some units in the last place: of the expected number, or
    of `terms` where that is larger. That is the sum of absolute terms where terms can cancel.
    Integers and booleans are equal, and with `units=0` all numbers are.
    """

    def check(got, expected, terms=0.0, units=UNITS):
        got, expected = np.asarray(got), np.asarray(expected)
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        finite = np.isfinite(expected)
        if expected.dtype.kind != "f" or units == 0:
            np.testing.assert_array_equal(got, expected, strict=True)
        else:
            ours, theirs = (np.where(np.isfinite(x), 0.0, x) for x in (got, expected))
            np.testing.assert_array_equal(ours, theirs)
            largest = np.maximum(np.abs(expected), np.asarray(terms, expected.dtype))
            below = np.finfo(expected.dtype).max / 2  # where there is a next number
            unit = np.spacing(np.minimum(np.where(finite, largest, 1), below)).astype(float)
            with np.errstate(invalid="ignore"):
                distance = np.abs(got.astype(float) - expected.astype(float)) / unit
            wrong = finite & (distance > units)
            assert not wrong.any(), (
                f"{got[wrong][:5]} instead of {expected[wrong][:5]}: "
                f"up to {distance[wrong].max():.3g} units in the last place"
            )
        if expected.dtype.kind == "f":
            zero = (got == 0) & (expected == 0)
            np.testing.assert_array_equal(np.signbit(got)[zero], np.signbit(expected)[zero])

    return check
