"""Encoding a whole table."""

import json

import numpy as np
import polars
import pytest

from gradiente.base.errors import DataError, RunError
from gradiente.data.encode import Preprocessing, fit_preprocessing, fit_target, known_rows

FRAME = polars.DataFrame(
    {
        "size": [1.0, 2.0, 3.0, None],
        "kind": ["a", "b", "a", "b"],
        "once": ["p", "q", "r", "s"],
        "y": ["no", "yes", "no", "yes"],
    }
)


@pytest.fixture
def preprocessing():
    target = fit_target(FRAME, "y", "classification")
    return fit_preprocessing(FRAME, ["size", "kind", "once"], target, {"id": "numbers the rows"})


def test_features_have_names_and_columns(preprocessing):
    features = preprocessing.transform(FRAME)
    assert features.dtype == np.float32
    assert preprocessing.feature_names == ["size", "size is missing", "kind is a", "kind is b"]
    assert features.shape == (4, 4)
    assert preprocessing.transform_target(FRAME).tolist() == [0, 1, 0, 1]


def test_columns_without_use_are_dropped(preprocessing):
    assert preprocessing.dropped == {"id": "numbers the rows", "once": "holds no word twice"}
    with pytest.raises(DataError, match="never come twice"):
        fit_preprocessing(FRAME, ["once"], preprocessing.target)


def test_text_columns_include_the_classes(preprocessing):
    assert preprocessing.text_columns == ["kind", "y"]


def test_the_order_of_columns_and_surplus_ones_do_not_matter(preprocessing):
    changed = FRAME.select("y", "kind", "size").with_columns(more=polars.lit(1))
    assert np.array_equal(preprocessing.transform(changed), preprocessing.transform(FRAME))


def test_missing_columns_are_listed(preprocessing):
    with pytest.raises(DataError, match=r"lacks the columns size, kind, which .* trained on\."):
        preprocessing.transform(FRAME.select("y"))
    with pytest.raises(DataError, match=r"lacks the column size.*is 'Size' what was 'size'\?"):
        preprocessing.transform(FRAME.rename({"size": "Size"}))
    with pytest.raises(DataError, match="lacks the column y"):
        preprocessing.transform_target(FRAME.drop("y"))


def test_preprocessing_survives_a_json_file(preprocessing):
    text = json.dumps(preprocessing.to_dict(), allow_nan=False)
    loaded = Preprocessing.from_dict(json.loads(text))
    assert loaded == preprocessing
    assert np.array_equal(loaded.transform(FRAME), preprocessing.transform(FRAME))


@pytest.mark.parametrize("name", ["columns", "target", "dropped"])
@pytest.mark.parametrize("value", [None, 3, [], {}, "x", [1]])
def test_damaged_preprocessing_is_refused(preprocessing, name, value):
    if (name, value) == ("dropped", {}):
        return
    with pytest.raises(RunError):
        Preprocessing.from_dict(preprocessing.to_dict() | {name: value})
    with pytest.raises(RunError):
        Preprocessing.from_dict([])


def test_rows_without_a_target_are_left_out():
    frame = polars.DataFrame({"y": [1.0, None, float("nan"), float("inf"), 2.0]})
    assert known_rows(frame, "y")["y"].to_list() == [1.0, 2.0]
