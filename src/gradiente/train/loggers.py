"""The history as a file that grows while the network trains: CSV and JSON lines."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from gradiente.base.errors import RunError
from gradiente.base.files import replace_file
from gradiente.train.callbacks import Callback
from gradiente.train.history import History, Row
from gradiente.train.history_file import line_of


class FileLogger(Callback):
    """A file with the whole history of the trainer: a line more after each epoch.

    At the beginning of a fit the file is written anew from the history, so that it never has an
    epoch twice, or one that a resumed training knows nothing of. A line is on its way to the disk
    when the epoch ends: whoever reads the file meanwhile finds whole lines.
    Raises `RunError` where it cannot be written.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def on_fit_begin(self, trainer: Any) -> None:
        self._write(self._whole(trainer.history))

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        line = self._line(row)
        if line is None:
            self._write(self._whole(trainer.history))
            return
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(line)
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error.strerror}.") from None

    def _whole(self, history: History) -> str:
        """The contents for a history."""
        raise NotImplementedError

    def _line(self, row: Row) -> str | None:
        """What one more epoch adds to the end; `None` if the whole file has to change."""
        raise NotImplementedError

    def _write(self, text: str) -> None:
        try:
            replace_file(self.path, text.encode())
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error.strerror}.") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


class CSVLogger(FileLogger):
    """The history as a table with a header, one line per epoch.

        trainer.fit(x, y, callbacks=[CSVLogger("history.csv")])

    Columns that come later, as those of a validation, are empty before; metrics that are no single
    number are lists in JSON. Numbers have all their digits.
    """

    def __init__(self, path: str | Path):
        super().__init__(path)
        self._columns: list[str] = []

    def _whole(self, history: History) -> str:
        self._columns = history.columns
        header = [self._columns] if self._columns else []
        return _csv([*header, *(self._cells(row) for row in history)])

    def _line(self, row: Row) -> str | None:
        return _csv([self._cells(row)]) if set(row) <= set(self._columns) else None

    def _cells(self, row: Row) -> list[Any]:
        values = (row.get(name) for name in self._columns)
        return [json.dumps(value) if isinstance(value, list) else value for value in values]


class JSONLinesLogger(FileLogger):
    """The history as lines of strict JSON, as `History.to_jsonl` writes it.

        trainer.fit(x, y, callbacks=[JSONLinesLogger("history.jsonl")])

    After the fit the last line says why it ended; `History.from_jsonl` reads the file.
    """

    def on_fit_end(self, trainer: Any) -> None:
        trainer.history.to_jsonl(self.path)

    def _whole(self, history: History) -> str:
        return "".join(map(line_of, history))

    def _line(self, row: Row) -> str:
        return line_of(row)


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
