"""What holds for every constraint: it puts parameters where they belong, and leaves the others."""

import numpy as np
import pytest

from gradiente import constraints
from gradiente.backends.compile import compile
from gradiente.base.errors import InvalidArgumentError, ShapeError, UnknownNameError
from gradiente.constraints import CONSTRAINTS, Constraint, find_constraint

VARIANTS = {
    **{name: factory() for name, factory in CONSTRAINTS.items()},
    "long": constraints.MaxNorm(0.5, axis=1),
    "unit rows": constraints.UnitNorm(axis=(1,)),
    "between": constraints.MinMaxNorm(0.5, 0.7),
    "falling": constraints.Monotone(-1),
    "mixed": constraints.Monotone([1, 0, -1, 1]),
}
# Exactly what they do to a point that is within; the others come close with rounding.
EXACT = [name for name in VARIANTS if name not in ("unitnorm", "unit rows")]
RANDOM = np.random.default_rng(8)
everything = pytest.mark.parametrize("name", VARIANTS)
SHAPES = [(4, 5), (4, 8), (4, 3, 2, 5)]


def is_within(name, w, slack):
    """Whether an array satisfies the constraint, by its definition."""
    constraint = VARIANTS[name]
    options = constraint.options
    if constraint.name in ("MaxNorm", "UnitNorm", "MinMaxNorm"):
        axis = tuple(range(w.ndim - 1)) if options["axis"] is None else options["axis"]
        lengths = np.sqrt(np.sum(w.astype(float) ** 2, axis=axis))
        least = {"MaxNorm": 0, "UnitNorm": 1}.get(constraint.name, options.get("minimum"))
        greatest = {"UnitNorm": 1}.get(constraint.name, options.get("maximum"))
        return (lengths >= least - slack).all() and (lengths <= greatest + slack).all()
    if constraint.name == "NonNegative":
        return (w >= 0).all()
    signs = np.broadcast_to(options["directions"], len(w)).reshape(-1, *(1,) * (w.ndim - 1))
    return (w * signs >= 0).all()


@everything
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_puts_an_array_where_it_belongs(name, shape, dtype):
    w = (3 * np.random.default_rng(1).normal(size=shape)).astype(dtype)
    assert not is_within(name, w, 1e-3)
    placed = VARIANTS[name](w)
    assert (placed.shape, placed.dtype) == (w.shape, w.dtype)
    assert is_within(name, placed, 8 * np.finfo(dtype).eps)


@everything
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_it_belongs_it_stays(name, dtype):
    once = VARIANTS[name]((3 * RANDOM.normal(size=(4, 3))).astype(dtype))
    again = VARIANTS[name](once)
    np.testing.assert_allclose(again, once, rtol=4 * np.finfo(dtype).eps)
    within = {"between": 0.6, "falling": -0.1, "mixed": np.array([0.1, -7, -0.1, 0.1])[:, None]}
    inside = np.full((4, 3), within.get(name, 0.1), dtype)
    if name == "between":
        inside /= np.sqrt(4)
    if name in EXACT:
        np.testing.assert_array_equal(VARIANTS[name](inside), inside)


@everything
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_native_gives_the_numbers_of_numpy(name, dtype):
    w = (3 * RANDOM.normal(size=(4, 5))).astype(dtype)
    ours = compile(lambda w: 1.0 * VARIANTS[name](w), backend="native")(w)
    np.testing.assert_allclose(ours, VARIANTS[name](w), rtol=8 * np.finfo(dtype).eps)


@everything
def test_zeros_stay_finite(name):
    np.testing.assert_array_equal(VARIANTS[name](np.zeros((4, 3))), 0)
    if name not in ("long", "unit rows", "mixed"):  # these need their axes
        assert np.isfinite(VARIANTS[name](np.array([3.0, -2.0]))).all()
        assert np.isfinite(VARIANTS[name](np.array(3.0)))


@everything
def test_repr_makes_the_same_constraint(name):
    again = eval(repr(VARIANTS[name]), vars(constraints))
    assert again == VARIANTS[name] and hash(again) == hash(VARIANTS[name])
    w = RANDOM.normal(size=(4, 3))
    np.testing.assert_array_equal(again(w), VARIANTS[name](w))
    assert again != Constraint("other", abs)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_docstring_has_an_equation_or_its_words(name):
    assert "←" in CONSTRAINTS[name].__doc__ or "length" in CONSTRAINTS[name].__doc__


def test_the_projection_is_the_nearest_point_within():
    """For a random point and any other point within, the projected one is nearer."""
    for name in ("maxnorm", "nonnegative", "mixed", "between"):
        w = 3 * RANDOM.normal(size=(4, 3))
        placed = VARIANTS[name](w)
        for _ in range(50):
            other = VARIANTS[name](w + RANDOM.normal(size=w.shape))
            assert np.sum((placed - w) ** 2) <= np.sum((other - w) ** 2) + 1e-12


def test_a_rate_below_one_comes_nearer():
    w = 4 * np.eye(2)
    half = constraints.MinMaxNorm(0.5, 1.0, rate=0.5)
    np.testing.assert_allclose(half(w), 2.5 * np.eye(2))
    np.testing.assert_allclose(half(0.1 * np.eye(2)), 0.3 * np.eye(2))
    np.testing.assert_array_equal(constraints.MinMaxNorm(0.5, 1.0, rate=0.0)(w), w)


def test_norms_are_those_of_torch():
    torch = pytest.importorskip("torch")
    w = 3 * RANDOM.normal(size=(6, 5))
    theirs = torch.renorm(torch.tensor(w), 2, 1, 1.5).numpy()
    np.testing.assert_allclose(constraints.MaxNorm(1.5)(w), theirs, rtol=1e-6)  # it adds 1e-7
    theirs = torch.nn.functional.normalize(torch.tensor(w), dim=0).numpy()
    np.testing.assert_allclose(constraints.UnitNorm()(w), theirs, rtol=1e-12)


def test_the_vectors_of_a_convolution_are_its_filters():
    w = 3 * RANDOM.normal(size=(3, 3, 4, 5))
    lengths = np.sqrt(np.sum(constraints.UnitNorm()(w) ** 2, axis=(0, 1, 2)))
    np.testing.assert_allclose(lengths, np.ones(5))


def test_found_by_name_in_any_case():
    assert find_constraint("MaxNorm") is constraints.MaxNorm
    with pytest.raises(UnknownNameError, match="Did you mean `maxnorm`"):
        find_constraint("maxnrm")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constraints.MaxNorm(0), "`maximum` is 0: .*above 0"),
        (lambda: constraints.MaxNorm(1.0, axis="rows"), "`axis` is 'rows'"),
        (lambda: constraints.UnitNorm(axis=()), r"`axis` is \(\)"),
        (lambda: constraints.MinMaxNorm(2.0, 1.0), "`minimum` is 2.0: .*at most 1"),
        (lambda: constraints.MinMaxNorm(rate=2), "`rate` is 2"),
        (lambda: constraints.Monotone(2), "`directions` is 2"),
        (lambda: constraints.Monotone([1, 0.5]), "`directions` is"),
        (lambda: constraints.Monotone([]), "`directions` is"),
        (lambda: constraints.Monotone("up"), "`directions` is 'up'"),
    ],
)
def test_refused(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_as_many_directions_as_inputs():
    with pytest.raises(ShapeError, match=r"has 2 directions, but the parameter has shape \(3, 4\)"):
        constraints.Monotone([1, 0])(np.ones((3, 4)))
