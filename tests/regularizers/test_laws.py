"""What holds for every regularizer: a scalar, its gradient, every backend, printing."""

import numpy as np
import pytest

from gradiente import regularizers
from gradiente.backends.compile import compile
from gradiente.base.errors import InvalidArgumentError, ShapeError, UnknownNameError
from gradiente.gradient.derivatives import grad
from gradiente.regularizers import REGULARIZERS, Regularizer, find_regularizer

VARIANTS = {
    **{name: factory() for name, factory in REGULARIZERS.items()},
    "columns": regularizers.Orthogonal(0.3, mode="columns"),
    "L1 alone": regularizers.ElasticNet(0.3, 0.0),
    "nothing": regularizers.L2(0.0),
}
RANDOM = np.random.default_rng(7)
SHAPES = [(4, 3), (3, 4), (2, 3, 4, 5), (1, 1)]
everything = pytest.mark.parametrize("name", VARIANTS)


@everything
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [*SHAPES, (0, 3)])
def test_it_is_a_number_that_is_not_negative(name, shape, dtype):
    value = VARIANTS[name](RANDOM.normal(size=shape).astype(dtype))
    assert value.shape == ()
    assert value.dtype == (np.float32 if dtype == np.float16 else dtype)
    assert np.isfinite(value) and value >= 0


@everything
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_is_that_of_central_differences(name, shape):
    regularizer, w = VARIANTS[name], RANDOM.normal(size=shape)
    direction, step = RANDOM.normal(size=shape), 1e-6
    ahead, behind = regularizer(w + step * direction), regularizer(w - step * direction)
    along = np.sum(grad(regularizer)(w) * direction)
    assert along == pytest.approx((ahead - behind) / (2 * step), rel=1e-6, abs=1e-9)


@everything
def test_at_zero_the_gradient_is_finite(name):
    assert np.isfinite(grad(VARIANTS[name])(np.zeros((3, 4)))).all()


@everything
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_native_gives_the_numbers_of_numpy(name, dtype):
    regularizer, w = VARIANTS[name], RANDOM.normal(size=(6, 5)).astype(dtype)
    both = lambda w: (regularizer(w), grad(regularizer)(w))  # noqa: E731
    for ours, theirs in zip(compile(both, backend="native")(w), both(w), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=30 * np.finfo(dtype).eps, atol=1e-7)


@everything
def test_repr_makes_the_same_regularizer(name):
    again = eval(repr(VARIANTS[name]), vars(regularizers))
    assert again == VARIANTS[name] and hash(again) == hash(VARIANTS[name])
    w = RANDOM.normal(size=(3, 3))
    assert again(w) == VARIANTS[name](w)
    assert again != Regularizer("other", np.sum)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_the_docstring_has_an_equation(name):
    assert "R = " in REGULARIZERS[name].__doc__


def test_the_equations():
    w = np.array([[1.0, -2.0], [0.0, 3.0]])
    assert regularizers.L1(0.5)(w) == 0.5 * 6
    assert regularizers.L2(0.5)(w) == 0.5 * 14
    assert regularizers.ElasticNet(0.5, 2.0)(w) == 0.5 * 6 + 2 * 14


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_is_the_mean_absolute_cosine(mode):
    """Pair by pair, as Keras's OrthogonalRegularizer, of which this is the loop."""
    w = RANDOM.normal(size=(4, 3))
    vectors = w if mode == "rows" else w.T
    cosines = [
        abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
        for place, a in enumerate(vectors)
        for b in vectors[:place]
    ]
    expected = 0.2 * 0.5 * 2 * np.mean(cosines)
    assert regularizers.Orthogonal(0.2, mode)(w) == pytest.approx(expected, rel=1e-12)


def test_orthogonal_vectors_have_no_penalty():
    q = np.linalg.qr(RANDOM.normal(size=(5, 5)))[0]
    assert regularizers.Orthogonal(1.0)(q) == pytest.approx(0, abs=1e-14)
    assert regularizers.Orthogonal(1.0)(np.ones((4, 2))) == pytest.approx(1.0)
    assert regularizers.Orthogonal(1.0)(np.ones((1, 2))) == 0.0


def test_found_by_name_in_any_case():
    assert find_regularizer("ElasticNet") is regularizers.ElasticNet
    with pytest.raises(UnknownNameError, match="There are: elasticnet, l1, l2"):
        find_regularizer("l3")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.L1(-1), "`factor` is -1"),
        (lambda: regularizers.L2("small"), "`factor` is 'small'"),
        (lambda: regularizers.ElasticNet(l2=-1), "`l2` is -1"),
        (lambda: regularizers.Orthogonal(-1), "`factor` is -1"),
        (lambda: regularizers.Orthogonal(mode="rwos"), "`mode` is 'rwos'"),
    ],
)
def test_refused(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_orthogonal_needs_a_matrix():
    with pytest.raises(ShapeError, match=r"shape \(3,\): use a pattern"):
        regularizers.Orthogonal()(np.ones(3))
