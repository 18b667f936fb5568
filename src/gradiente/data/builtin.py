"""The data sets that come with the library and can be called by their name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradiente.base.errors import UnknownNameError
from gradiente.data.delimited import read_delimited

if TYPE_CHECKING:
    from polars import DataFrame

SETS_FOLDER = Path(__file__).parent / "sets"


@dataclass(frozen=True)
class BuiltIn:
    """A data set: how to load its table, the column usually learned, and what it is about."""

    load: Callable[[], "DataFrame"]
    target: str
    about: str


def load_builtin(name: str) -> "DataFrame":
    """The table of a data set by name. Raises `UnknownNameError` naming the ones there are."""
    if name not in BUILT_IN:
        raise UnknownNameError(f"there is no data set {name!r}: choose from {', '.join(BUILT_IN)}.")
    return BUILT_IN[name].load()


def _penguins() -> "DataFrame":
    return read_delimited(SETS_FOLDER / "penguins.csv")


def _bundled(name: str, target: str) -> "DataFrame":
    """A set that comes with scikit-learn; classes that have names are given by them."""
    import polars
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    values: Any = bunch.target
    if "target_names" in bunch and bunch.target_names[0] != 0:
        values = [str(bunch.target_names[index]) for index in bunch.target]
    columns = zip(bunch.feature_names, bunch.data.T, strict=True)
    return polars.DataFrame({str(feature): column for feature, column in columns}).with_columns(
        polars.Series(target, values)
    )


BUILT_IN: dict[str, BuiltIn] = {
    "penguins": BuiltIn(_penguins, "species", "344 penguins of 3 species"),
    "iris": BuiltIn(lambda: _bundled("iris", "species"), "species", "150 flowers of 3 species"),
    "wine": BuiltIn(lambda: _bundled("wine", "cultivar"), "cultivar", "178 wines of 3 cultivars"),
    "breast_cancer": BuiltIn(
        lambda: _bundled("breast_cancer", "diagnosis"), "diagnosis", "569 tumours of 2 kinds"
    ),
    "digits": BuiltIn(
        lambda: _bundled("digits", "digit"), "digit", "1,797 handwritten digits of 8 x 8 pixels"
    ),
    "diabetes": BuiltIn(
        lambda: _bundled("diabetes", "progression"),
        "progression",
        "442 patients and the progress of their disease, a number",
    ),
}
