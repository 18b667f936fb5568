"""What kind of values a column of a table holds, and how such a column is encoded."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from polars import DataType

Kind = Literal["number", "category", "date", "other"]


def is_text(dtype: "DataType") -> bool:
    """Whether values of this type are words."""
    import polars

    return isinstance(dtype, polars.String | polars.Categorical | polars.Enum)


def is_date(dtype: "DataType") -> bool:
    """Whether values of this type are days or moments."""
    import polars

    return isinstance(dtype, polars.Date | polars.Datetime)


def kind_of(dtype: "DataType") -> Kind:
    """How values of this type are encoded; truth values, durations and times are numbers."""
    import polars

    if is_text(dtype):
        return "category"
    if is_date(dtype):
        return "date"
    if dtype.is_numeric() or isinstance(dtype, polars.Boolean | polars.Duration | polars.Time):
        return "number"
    return "other"
