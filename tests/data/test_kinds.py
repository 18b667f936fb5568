"""The kind of values a column holds."""

import polars
import pytest

from gradiente.data.kinds import kind_of


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (polars.Int8(), "number"),
        (polars.Float32(), "number"),
        (polars.Decimal(10, 2), "number"),
        (polars.Boolean(), "number"),
        (polars.Duration(), "number"),
        (polars.Time(), "number"),
        (polars.String(), "category"),
        (polars.Categorical(), "category"),
        (polars.Enum(["a"]), "category"),
        (polars.Date(), "date"),
        (polars.Datetime("ms", "UTC"), "date"),
        (polars.List(polars.Int64), "other"),
        (polars.Struct({"a": polars.Int64}), "other"),
        (polars.Binary(), "other"),
    ],
)
def test_kinds(dtype, kind):
    assert kind_of(dtype) == kind
