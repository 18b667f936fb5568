"""How missing values, numbers, truth values and dates are written in a text file."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")

TRUTH = {"true": True, "false": False}

# One format must fit every value of a column; of several that fit, the first is taken.
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")
TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
)


def is_missing(field: str) -> bool:
    """Whether `field` stands for a value that is not known."""
    return field in MISSING


def is_number(field: str) -> bool:
    """Whether `field` is written as a finite or infinite number, and not as "nan"."""
    try:
        return float(field) == float(field) and "_" not in field
    except ValueError:
        return False
