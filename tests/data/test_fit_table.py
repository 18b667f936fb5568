"""Fitting a whole table: scaling, categories, what is left out and what is refused."""

import json
from datetime import date, timedelta

import numpy as np
import pandas
import polars
import pytest
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from gradiente.base.errors import DataError, InvalidArgumentError
from gradiente.data import Preprocessing, fit_table

RANDOM = np.random.default_rng(4)
ROWS = 300
SIZE = RANDOM.normal(3.0, 2.0, ROWS)
FRAME = polars.DataFrame(
    {
        "size": SIZE,
        "day": [date(2024, 1, 1) + timedelta(days=int(n)) for n in range(ROWS)],
        "kind": RANDOM.choice(["a", "b", "c"], ROWS, p=[0.5, 0.4, 0.1]),
        "same": [1] * ROWS,
        "y": RANDOM.choice(["no", "yes"], ROWS),
    }
)
ORACLES = {
    "standard": StandardScaler(),
    "robust": RobustScaler(),
    "none": None,
}


@pytest.mark.parametrize("scaling", ORACLES)
def test_scaling_is_that_of_scikit_learn(scaling):
    table = fit_table(FRAME.select("size", "y"), "y", scaling=scaling)
    oracle = ORACLES[scaling]
    expected = SIZE[:, None] if oracle is None else oracle.fit_transform(SIZE[:, None])
    np.testing.assert_allclose(table.transform(FRAME), expected, rtol=1e-5, atol=1e-6)


def test_quantiles_become_those_of_the_normal_distribution():
    heavy = np.exp(3 * SIZE)
    table = fit_table({"x": heavy, "y": FRAME["y"]}, "y", scaling="quantile")
    oracle = QuantileTransformer(n_quantiles=ROWS, output_distribution="normal")
    values, expected = table.transform({"x": heavy})[:, 0], oracle.fit_transform(heavy[:, None])
    middle = np.abs(expected[:, 0]) < 2
    np.testing.assert_allclose(values[middle], expected[middle, 0], atol=0.05)
    assert (np.argsort(values, kind="stable") == np.argsort(heavy, kind="stable")).mean() > 0.5


def test_a_column_of_mostly_equal_values_is_scaled_by_its_deviation():
    x = np.array([0.0] * 290 + [5.0] * 10)
    table = fit_table({"x": x, "y": FRAME["y"]}, "y", scaling="robust")
    np.testing.assert_allclose(table.transform({"x": x})[:, 0], x / x.std(), rtol=1e-6)


def test_missing_numbers_are_marked_and_become_the_middle():
    x = np.where(np.arange(ROWS) % 10 == 0, np.nan, SIZE)
    table = fit_table({"x": x, "y": FRAME["y"]}, "y", scaling="robust")
    assert table.feature_names == ["x", "x is missing"]
    assert table.transform({"x": [None, float(np.nanmedian(x))]}).tolist() == [[0, 1], [0, 0]]


def test_one_hot_and_embedded_categories_say_the_same():
    hot, table = fit_table(FRAME, "y"), fit_table(FRAME, "y", categories="embedding")
    numbers, codes = table.transform(FRAME)
    assert numbers.dtype == np.float32 and codes.dtype == np.int64
    places = [hot.feature_names.index(f"kind is {name}") for name in table.columns[-1].categories]
    np.testing.assert_array_equal(
        np.eye(3, dtype=np.float32)[codes[:, 0]], hot.transform(FRAME)[:, places]
    )
    assert table.category_sizes == (3,) and hot.category_sizes == ()
    assert table.feature_names[-1] == "kind"
    assert [part.shape for part in table.example()] == [(1, numbers.shape[1]), (1, 1)]


def test_unknown_rare_and_missing_categories():
    words = ["a"] * 100 + ["b"] * 97 + ["c", "d", None]
    frame = polars.DataFrame({"w": words, "y": [0, 1] * 100})
    plain = fit_table(frame.filter(polars.col("w").is_in(["a", "b"])), "y", categories="embedding")
    assert plain.category_sizes == (2,)
    assert plain.transform({"w": ["b", "z", None]}).tolist() == [[1], [2], [2]]  # 2: unknown
    rare = fit_table(frame, "y", categories="embedding")
    assert rare.category_sizes == (4,)
    assert rare.transform({"w": ["a", "z", "c", None]}).tolist() == [[0], [2], [2], [3]]
    few = fit_table(frame, "y", most_categories=1)
    assert few.feature_names == ["w is a", "w is rare", "w is missing"]
    assert fit_table(frame, "y", rare=0.5).feature_names[0:2] == ["w is a", "w is rare"]


def test_only_categories_or_only_numbers():
    assert fit_table(FRAME.select("kind", "y"), "y", categories="embedding").example().shape == (
        1,
        1,
    )
    table = fit_table(FRAME.select("size", "y"), "y", categories="embedding")
    assert table.transform(FRAME).dtype == np.float32


def test_useless_columns_are_left_out_with_a_reason():
    table = fit_table(FRAME, "y", drop="size")
    assert table.dropped == {"size": "was to be left out", "same": "is the same in every row"}


def test_free_text_is_refused_with_advice():
    names = [f"person {number}" for number in range(ROWS)]
    frame = FRAME.with_columns(polars.Series("name", names))
    with pytest.raises(DataError, match=r"'name' is free text or a name .*drop=\['name'\], or put"):
        fit_table(frame, "y")
    assert "name" in fit_table(frame, "y", drop=["name"]).dropped


def test_a_file_and_frames_of_pandas_give_the_same(tmp_path):
    FRAME.write_csv(tmp_path / "table.csv")
    pandas_frame = pandas.DataFrame(FRAME.to_dict(as_series=False))
    pandas_frame["day"] = pandas.to_datetime(pandas_frame["day"])
    expected = fit_table(FRAME, "y")
    for source in (tmp_path / "table.csv", pandas_frame):
        table = fit_table(source, "y")
        np.testing.assert_allclose(table.transform(source), expected.transform(FRAME), atol=1e-6)
        np.testing.assert_array_equal(table.transform_target(source), FRAME["y"] == "yes")


@pytest.mark.parametrize("categories", ["one_hot", "embedding"])
def test_it_survives_a_json_file(categories):
    table = fit_table(FRAME, "y", scaling="robust", categories=categories)
    assert Preprocessing.from_dict(json.loads(json.dumps(table.to_dict()))) == table


def test_outputs_are_decoded():
    table = fit_table(FRAME, "y")
    assert table.decode([[0.0, 1.0], [3.0, 1.0]]) == ["yes", "no"]
    quantity = fit_table(FRAME, "size")
    np.testing.assert_allclose(quantity.decode([[0.0]]), [SIZE.mean()], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"scaling": "minmax"}, InvalidArgumentError, "`scaling` is 'minmax'"),
        ({"categories": "hash"}, InvalidArgumentError, "`categories` is 'hash'"),
        ({"rare": 1.0}, InvalidArgumentError, "`rare` is 1.0"),
        ({"most_categories": 0}, InvalidArgumentError, "`most_categories` is 0"),
        ({"drop": ["none"]}, DataError, "'none' cannot be left out: it is no column"),
        ({"drop": ["y"]}, DataError, "'y' cannot be left out: it is what is learned"),
    ],
)
def test_options_that_do_not_exist(options, error, text):
    with pytest.raises(error, match=text):
        fit_table(FRAME, "y", **options)


def test_dates_written_as_text_are_dates():
    """As `pandas.read_csv` leaves them."""
    days = [f"2021-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(60)]
    written = polars.DataFrame({"sold": [None, *days[1:]], "y": [1.5 * n for n in range(60)]})
    dates = written.with_columns(sold=polars.col("sold").str.to_date())
    table = fit_table(written, "y")
    assert table.feature_names == fit_table(dates, "y").feature_names
    for other in (written, dates, written.to_pandas()):
        np.testing.assert_array_equal(table.transform(other), table.transform(dates))
    with pytest.raises(DataError, match="holds 'soon', where a date is expected"):
        table.transform(written.with_columns(sold=polars.lit("soon")))
