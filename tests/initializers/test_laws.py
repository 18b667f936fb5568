"""What holds for every initializer: shape, type, purity, printing."""

import inspect

import numpy as np
import pytest

from gradiente import initializers
from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.initializers import INITIALIZERS, constant, declare, find_initializer, he_normal
from gradiente.initializers import initializer as declaring
from gradiente.trace.random import key

ALL = {name: entry for name, entry in INITIALIZERS.items() if name != "constant"} | {
    "constant": constant(0.5)
}
FIXED = ("zeros", "ones", "constant", "identity", "dirac", "short_time_fourier")
RANDOM = [name for name in ALL if name not in FIXED]
MOSTLY_ZERO = ("sparse",)
NAMES = (
    "glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform orthogonal zeros "
    "ones constant truncated_normal normal uniform variance_scaling delta_orthogonal sparse "
    "identity dirac xavier_normal xavier_uniform kaiming_normal kaiming_uniform "
    "short_time_fourier"
)


def test_the_registry_is_complete():
    assert set(INITIALIZERS) == set(NAMES.split())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3, 4, 5), (0, 3), (3, 0), (1, 1)])
@pytest.mark.parametrize("name", ALL)
def test_shape_and_type(name, shape, dtype):
    values = ALL[name](key(0), shape, dtype)
    assert isinstance(values, np.ndarray)
    assert (values.shape, values.dtype) == (shape, dtype)
    assert np.all(np.isfinite(values))


@pytest.mark.parametrize("name", RANDOM)
def test_same_key_same_bits(name):
    first, again, other = (ALL[name](key(seed), (20, 30)) for seed in (7, 7, 8))
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes()
    apart = first[(first != 0) | (other != 0)] if name in MOSTLY_ZERO else first
    same = other[(first != 0) | (other != 0)] if name in MOSTLY_ZERO else other
    assert np.mean(apart == same) < 0.01
    drawn = first[first != 0]  # the numbers differ among themselves
    assert np.unique(drawn).size > 0.98 * drawn.size >= 0.98 * (60 if name in MOSTLY_ZERO else 590)


@pytest.mark.parametrize("name", ["zeros", "ones", "constant"])
def test_constants(name):
    expected = {"zeros": 0.0, "ones": 1.0, "constant": 0.5}[name]
    np.testing.assert_array_equal(ALL[name](key(0), (5,)), np.full(5, expected, np.float32))


@pytest.mark.parametrize("name", ALL)
def test_repr_makes_the_same_initializer(name):
    again = eval(repr(ALL[name]), vars(initializers))
    np.testing.assert_array_equal(again(key(1), (3, 4)), ALL[name](key(1), (3, 4)))


def test_the_names_of_pytorch_are_the_same_initializers():
    assert initializers.xavier_normal is find_initializer("glorot_normal")
    assert find_initializer("kaiming_uniform") is initializers.he_uniform


@pytest.mark.parametrize("name", RANDOM)
def test_the_docstring_has_an_equation(name):
    assert any(sign in inspect.getdoc(ALL[name]) for sign in ("w ~ ", "w = ", "W = "))


@pytest.mark.parametrize("name", ["glorot", "he", "lecun"])
def test_the_docstring_names_the_paper(name):
    for distribution in ("normal", "uniform"):
        assert f"{name[0].upper()}" in inspect.getdoc(ALL[f"{name}_{distribution}"])
        assert any(
            y in inspect.getdoc(ALL[f"{name}_{distribution}"]) for y in ("2010", "2015", "1998")
        )


def test_options_make_a_new_initializer():
    leaky = he_normal(negative_slope=1.0)
    assert repr(leaky) == "he_normal(negative_slope=1.0)"
    assert repr(leaky(fan="outputs")) == "he_normal(negative_slope=1.0, fan='outputs')"
    narrow, wide = leaky(key(0), (9, 9)), he_normal(key(0), (9, 9))
    np.testing.assert_allclose(narrow * np.sqrt(2), wide, rtol=1e-6)
    np.testing.assert_array_equal(he_normal(key(0), (9, 9), negative_slope=1.0), narrow)
    assert he_normal.options == {}


def test_a_declared_function_is_an_initializer(monkeypatch):
    monkeypatch.setattr(declaring, "INITIALIZERS", {})

    @declare
    def identity(key, shape, dtype, *, gain=1.0):
        """W = gain · 1"""
        return gain * np.eye(*shape, dtype=dtype)

    np.testing.assert_array_equal(identity(gain=2.0)(key(0), (2, 2)), 2 * np.eye(2))
    assert identity.__doc__ == "W = gain · 1"
    assert find_initializer("identity") is identity
    with pytest.raises(InvalidArgumentError, match="`identity` is declared already"):
        declare(identity.draw)


def test_found_by_name_in_any_case():
    assert find_initializer("He-Normal") is he_normal
    with pytest.raises(UnknownNameError, match=r"`glorot_unifrm` does not exist.*`glorot_uniform`"):
        find_initializer("glorot_unifrm")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: he_normal(gain=2.0),
            "`he_normal` has no option `gain`: it takes negative_slope, fan",
        ),
        (lambda: initializers.zeros(gain=2.0), "`zeros` has no option `gain`: it takes none"),
        (lambda: he_normal(fan="in"), "`fan` is 'in'.*'inputs', 'outputs'"),
        (lambda: he_normal(negative_slope=np.nan), "`negative_slope` is nan"),
        (lambda: initializers.glorot_uniform(gain=0), "`gain` is 0: .*above 0"),
        (lambda: initializers.orthogonal(gain=-1), "`gain` is -1"),
        (lambda: initializers.normal(std=-1), "`std` is -1"),
        (lambda: initializers.normal(mean="zero"), "`mean` is 'zero'"),
        (lambda: initializers.uniform(low=1.0, high=0.0), "`high` is 0.0: .*at least 1"),
        (lambda: initializers.truncated_normal(std=-1), "`std` is -1"),
        (lambda: initializers.truncated_normal(low=2.0, high=1.0), "low must be below high"),
        (lambda: initializers.truncated_normal(low=50.0, high=60.0), "within reach"),
        (lambda: constant(np.inf), "`value` is inf"),
        (lambda: initializers.variance_scaling(scale=0), "`scale` is 0: .*above 0"),
        (lambda: initializers.variance_scaling(fan="avg"), "`fan` is 'avg'.*'average'"),
        (lambda: initializers.variance_scaling(distribution="u"), "`distribution` is 'u'"),
        (lambda: initializers.sparse(sparsity=1.1), "`sparsity` is 1.1"),
        (lambda: initializers.sparse(std=-1), "`std` is -1"),
        (lambda: initializers.delta_orthogonal(gain=0), "`gain` is 0"),
        (lambda: initializers.identity(gain=np.nan), "`gain` is nan"),
        (lambda: initializers.dirac(groups=0), "`groups` is 0"),
    ],
)
def test_refused(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize("shape", [(), (5,)])
@pytest.mark.parametrize(
    "name",
    [name for name in RANDOM if "_" in name and "trunc" not in name]
    + ["sparse", "identity", "dirac"],
)
def test_a_bias_has_no_fans(name, shape):
    with pytest.raises(InvalidArgumentError, match=r"no inputs and outputs.*use `zeros`"):
        ALL[name](key(0), shape)
