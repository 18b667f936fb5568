"""What may be handed over for training, and what is said about the rest."""

import numpy as np
import pytest

from gradiente.base.errors import DataError
from gradiente.train.inputs import inputs, samples, with_validation

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2


def test_rows_batches_and_trees():
    data = samples({"a": X, "b": (X[:, 0], X)}, Y, np.arange(10))
    assert data.count == 10
    chosen = data.rows(np.array([3, 1]))
    np.testing.assert_array_equal(chosen.x["b"][0], [6, 2])
    np.testing.assert_array_equal(chosen.weight, [3, 1])
    batches = list(data.batches(np.arange(10)[::-1], 4))
    assert [batch.count for batch in batches] == [4, 4, 2]
    np.testing.assert_array_equal(batches[2].y, Y[[1, 0]])
    assert data.first(3).count == 3 and data.first(100).count == 10
    assert batches[0].as_tuple()[0] is batches[0].x


def test_inputs_alone():
    assert inputs(X).y is None
    assert inputs([[1, 2], [3, 4]]).x.dtype == np.int64


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (X, None, "there are no targets: y is None"),
        (X[:0], Y[:0], "there are no samples: x is empty"),
        (None, Y[:0], "there are no samples"),
        (X, Y[:3], r"\(first axis\), but x has 10, y has 3"),
        ({"a": X, "b": X[:4]}, Y, r"but x\.a has 10, x\.b has 4, y has 10"),
        ([X, X], Y, "Several inputs or targets are given as a tuple or a dict, not as a list"),
        ([[1, 2], [3]], Y[:2], "x is a list of things of different lengths"),
        (X.astype(str), Y, r"x is made of str\d* values, not of numbers"),
        (X.astype(object), Y, "x is made of object values"),
        (X + 1j, Y, "x is made of complex128 values"),
        (np.zeros(10, "M8[D]"), Y, "x is made of datetime64"),
        ("data.csv", Y, "x is made of str, not of numbers"),
        ((row for row in X), Y, r"x\.*0* *is made of generator|x is made of generator"),
        (3.0, Y, "x is a single number; samples lie along the first axis"),
        (X, tuple(Y.tolist()), r"y\.0 is a single number.*write numbers in a list"),
        (np.ma.masked_less(X, 3), Y, r"x has masked values; fill them first"),
    ],
)
def test_what_cannot_be_trained_on(x, y, text):
    with pytest.raises(DataError, match=text):
        samples(x, y)


def test_tables_with_text_and_sparse_matrices():
    pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=r"y is made of object values.*gradiente train"):
        samples(X, pandas.Series(list("abcdefghij"), dtype=object))
    with pytest.raises(
        DataError, match=r"x is made of csr_matrix, not of numbers.*`\.toarray\(\)`"
    ):
        samples(sparse.csr_matrix(X), Y)


def test_an_unmasked_masked_array_is_an_array():
    np.testing.assert_array_equal(samples(np.ma.asarray(X), Y).x, X)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_weights_that_make_no_sense(wrong):
    weight = np.ones(10)
    weight[4] = wrong
    with pytest.raises(DataError, match="sample weights are finite, not negative"):
        samples(X, Y, weight)
    with pytest.raises(DataError, match="not all zero"):
        samples(X, Y, np.zeros(10))
    with pytest.raises(DataError, match="sample_weight has 3"):
        samples(X, Y, np.ones(3))


# -- validation ----------------------------------------------------------------------------------


def test_validation_given():
    data = samples(X, Y)
    assert with_validation(data, None, 0) == (data, None)
    own, validated = with_validation(data, (X[:4], Y[:4]), 0)
    assert own is data and validated.count == 4 and validated.weight is None
    assert with_validation(data, [X[:4], Y[:4], np.ones(4)], 0)[1].weight.sum() == 4


def test_a_fraction_divides_all_parts_alike():
    data = samples({"a": X}, (Y, X), np.arange(1, 11))
    training, validated = with_validation(data, np.float32(0.3), 5)
    assert (training.count, validated.count) == (7, 3)
    for part in (training, validated):
        np.testing.assert_array_equal(part.x["a"], part.y[1])
        np.testing.assert_array_equal(part.x["a"][:, 0] / 2 + 1, part.weight)
    together = np.concatenate([training.weight, validated.weight])
    np.testing.assert_array_equal(np.sort(together), np.arange(1, 11))


def test_a_fraction_keeps_the_share_of_each_class():
    y = np.repeat([0, 1], [80, 20])
    _, validated = with_validation(samples(np.arange(100.0), y), 0.25, 1)
    assert (validated.y == 1).sum() == 5


@pytest.mark.parametrize(
    ("validation", "text"),
    [
        (0.0, r"lies between 0 and 1, got 0\.0"),
        (1.0, r"lies between 0 and 1, got 1\.0"),
        (float("nan"), "lies between 0 and 1, got nan"),
        (1, r"validation is \(x, y\), .* got a int"),
        (True, "got a bool"),
        ((X,), "got a tuple of 1"),
        ((X, Y, Y, Y), "got a tuple of 4"),
        (X, "got a ndarray"),
        ({"x": X, "y": Y}, "got a dict"),
        (
            (X[:, :1], Y),
            r"samples of the validation x have shape \(1,\), those of x have shape \(2",
        ),
        (({"a": X}, Y), "the validation x is not made of the same arrays as x"),
        ((X, (Y, Y)), "the validation y is not made of the same arrays"),
        ((X, None), "y is None"),
        ((X[:3], Y), "x has 3, y has 10"),
    ],
)
def test_validation_that_makes_no_sense(validation, text):
    with pytest.raises(DataError, match=text):
        with_validation(samples(X, Y), validation, 0)


def test_a_part_without_any_weight_is_refused():
    weight = np.zeros(10)
    weight[0] = 1.0
    with pytest.raises(DataError, match="not all zero"):
        with_validation(samples(X, Y, weight), 0.5, 0)
