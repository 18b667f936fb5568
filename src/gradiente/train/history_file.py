"""The rows of a history as a file: strict JSON lines, written whole and read with suspicion."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradiente.base.errors import GradienteError, RunError
from gradiente.base.files import replace_file
from gradiente.train.history_flow import FlowRow, checked_flow

Row = dict[str, Any]

FLOW = "gradient_flow"

# JSON has no words for these three numbers.
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def write_rows(
    path: Path, rows: list[Row], stopped: str | None, flow: Sequence[FlowRow] = ()
) -> None:
    """Write one line per row; the last one carries `stopped`, alone where there are no rows."""
    lines: list[Row] = [_encoded(row) for row in rows] or [{}]
    for line in lines:
        of_epoch = [row for row in flow if row["epoch"] == line.get("epoch")]
        if of_epoch:
            line[FLOW] = [_encoded(row) for row in of_epoch]
    if stopped is not None or not rows:
        lines[-1]["stopped"] = stopped
    text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise RunError(f"the history cannot be written to {path}: {error.strerror}.") from error


def line_of(row: Row) -> str:
    """One row as a line of strict JSON."""
    encoded = {name: _encode(value) for name, value in row.items()}
    return json.dumps(encoded, allow_nan=False) + "\n"


def _encoded(row: Row) -> Row:
    return {name: _encode(value) for name, value in row.items()}


def _encode(value: Any) -> Any:
    if isinstance(value, list):
        return [_encode(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def read_rows(path: Path) -> tuple[list[Row], str | None, list[FlowRow]]:
    """The rows, `stopped` and the flow. Raises `RunError` where the file is missing or damaged."""
    lines = _lines(path)
    rows: list[Row] = []
    flow: list[FlowRow] = []
    stopped = None
    for number, line in enumerate(lines, start=1):
        try:
            row = _parse(line)
            if number == len(lines):
                stopped = _take_stopped(row, alone=number == 1)
            flow += _take_flow(row)
            if row or number > 1:
                _check(row, rows[-1]["epoch"] if rows else -1)
                rows.append({name: _decode(name, value) for name, value in row.items()})
        except (ValueError, RecursionError, GradienteError) as error:
            reason = str(error).removesuffix(".")
            raise RunError(f"{path} is damaged in line {number}: {reason}.") from error
    return rows, stopped, flow


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise RunError(f"there is no history at {path}.") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is damaged: it is not UTF-8 text.") from error
    if not text.endswith("\n"):
        raise RunError(f"{path} is damaged: it is empty, or its last line is cut off.")
    return text.removesuffix("\n").split("\n")


def _parse(line: str) -> Row:
    row = json.loads(
        line,
        parse_constant=_refuse_constant,
        parse_float=_finite,
        object_pairs_hook=_without_repetition,
    )
    if not isinstance(row, dict):
        raise ValueError("a line must be an object")
    return row


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _without_repetition(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a name occurs twice")
    return row


def _take_stopped(row: Row, *, alone: bool) -> str | None:
    if not row and alone:
        raise ValueError("it has no epoch")
    stopped = row.pop("stopped", None)
    if not isinstance(stopped, str | None):
        raise ValueError("`stopped` must be a text")
    return stopped


def _take_flow(row: Row) -> list[FlowRow]:
    """The rows of the flow in a line, of which they are no column."""
    rows = row.pop(FLOW, [])
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise ValueError(f"`{FLOW}` must be a list of objects")
    texts = ("layer", "kind")
    found = [{k: v if k in texts else _decode(k, v) for k, v in each.items()} for each in rows]
    if any(each.get("epoch") != row.get("epoch") for each in found):
        raise ValueError(f"`{FLOW}` is of another epoch")
    return checked_flow(found)


def _check(row: Row, previous: int) -> None:
    epoch = row.get("epoch")
    if not isinstance(epoch, int) or isinstance(epoch, bool):
        raise ValueError("`epoch` must be an integer")
    if epoch <= previous:
        raise ValueError(f"epoch {epoch} is out of order")


def _decode(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(name, each) for each in value]
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError(f"`{name}` must be a number, not {value!r}")
