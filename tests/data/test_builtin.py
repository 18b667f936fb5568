"""The data sets that come with the library."""

import pytest

from gradiente.base.errors import UnknownNameError
from gradiente.data.builtin import BUILT_IN, load_builtin
from gradiente.data.task import infer_task

ROWS = {
    "penguins": 344,
    "iris": 150,
    "wine": 178,
    "breast_cancer": 569,
    "digits": 1797,
    "diabetes": 442,
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_has_its_rows_and_a_target_that_can_be_learned(name):
    frame = load_builtin(name)
    assert frame.height == ROWS[name]
    expected = "regression" if name == "diabetes" else "classification"
    assert infer_task(frame[BUILT_IN[name].target]) == expected


def test_classes_go_by_their_names():
    assert sorted(load_builtin("iris")["species"].unique()) == ["setosa", "versicolor", "virginica"]


def test_penguins_have_missing_values():
    assert load_builtin("penguins")["sex"].null_count() == 11


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"no data set 'cats': choose from penguins, iris"):
        load_builtin("cats")
