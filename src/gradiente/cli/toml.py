"""Options as a TOML file: read by the standard library, written here."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradiente.base.errors import DataError


def write_toml(values: Mapping[str, Any], comment: str) -> str:
    """A flat table of texts, numbers, truth values and lists of these; `None` is left out."""
    lines = [f"{name} = {_value(value)}" for name, value in values.items() if value is not None]
    return "\n".join([f"# {comment}", *lines, ""])


def read_toml(path: Path) -> dict[str, Any]:
    """The table in the file. Raises `DataError` when it is missing or no TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a TOML file: {error}.") from error


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # JSON and TOML write text alike, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
