"""The command `gradiente predict`: what a trained network makes of new rows."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradiente.base.errors import DataError
from gradiente.cli import parameters as p
from gradiente.cli.files import whole_file
from gradiente.cli.prepare import (
    AnyPreprocessing,
    encode_inputs,
    for_network,
    open_like,
    unknown_words_note,
)
from gradiente.cli.run_folder import read_run
from gradiente.cli.scores import class_outputs
from gradiente.cli.screen import console, note
from gradiente.data.images import Images
from gradiente.data.target import ClassTarget, Target

if TYPE_CHECKING:
    from polars import DataFrame

FORMATS = (".csv", ".parquet")
DIGITS = 7  # that a float32 number has


def predict(run: p.RunFolder, data: p.Data, out: p.Out = None, header: p.Header = None) -> None:
    """Predict the target for each row of DATA, and write the rows with the predictions.

    The table gets a column predicted_TARGET and, for classes, one with the probability of each.

    Examples:

        gradiente predict penguins-run new.csv --out predictions.csv
        gradiente predict penguins-run penguins | head
    """
    if out is not None and out.suffix.lower() not in FORMATS:
        raise DataError(f"--out {out} must end in {' or '.join(FORMATS)}.")
    trained = read_run(run)
    opened = open_like(data, trained.preprocessing, trained.header(header))
    x = encode_inputs(trained.preprocessing, opened)
    for text in unknown_words_note(trained.preprocessing, opened):
        note(console(errors=True), text)
    outputs = trained.trainer.predict(for_network(x))
    table = _with_predictions(opened, trained.preprocessing, outputs)
    if out is None:
        sys.stdout.write(_as_csv(table))
        return
    _write(table, out)
    print(f"{table.height:,} predictions are in {out}.")


def _with_predictions(
    data: Any, preprocessing: AnyPreprocessing, outputs: np.ndarray
) -> "DataFrame":
    """The rows, or the names of the images, and the predictions as further columns."""
    import polars

    target = preprocessing.target
    outputs = class_outputs(target, outputs)
    if isinstance(data, Images):
        data = polars.DataFrame({"file": [str(file) for file in data.files]})
    columns: dict[str, Any] = {f"predicted_{target.name}": _values(target, outputs)}
    if isinstance(target, ClassTarget):
        shares = target.probabilities(outputs).astype(np.float32)
        columns |= {f"probability_{label}": shares[:, n] for n, label in enumerate(target.classes)}
    return data.with_columns([polars.Series(name, values) for name, values in columns.items()])


def _values(target: Target, outputs: np.ndarray) -> list[Any]:
    """The predictions; quantities with as many digits as the float32 outputs can tell apart."""
    values = target.decode(outputs)
    if isinstance(target, ClassTarget):
        return values
    digits = DIGITS - 1 - math.floor(math.log10(target.scale))
    return [round(value, digits) for value in values]


def _as_csv(table: "DataFrame") -> str:
    import polars

    try:
        return table.write_csv()
    except polars.exceptions.PolarsError as error:
        raise DataError(
            "the table has columns that CSV cannot hold: use --out F.parquet."
        ) from error


def _write(table: "DataFrame", path: Path) -> None:
    """Write the file whole or not at all."""
    try:
        with whole_file(path) as temporary:
            if path.suffix.lower() == ".parquet":
                table.write_parquet(temporary)
            else:
                temporary.write_text(_as_csv(table), encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
