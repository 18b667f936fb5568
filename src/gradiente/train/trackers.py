"""The history in the tools in which people compare trainings: TensorBoard and MLflow."""

import math
import os
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import BackendError
from gradiente.train.callbacks import Callback
from gradiente.train.history import Row

SKIPPED = ("epoch",)  # the step itself
ALLOWED = "MLFLOW_ALLOW_FILE_STORE"  # with which MLflow is asked for its file store
LONGEST = 6000  # characters of a parameter that every store of MLflow takes


class TensorBoard(Callback):
    """Event files of TensorBoard: every number of the history, at the step of its epoch.

        trainer.fit(x, y, callbacks=[TensorBoard("logs/first")])
        $ tensorboard --logdir logs

    folder: of this training; each fit adds a file to it.
    histograms: after how many epochs the distribution of every parameter is written; 0 for never.
    Written by tensorboardX. Raises `BackendError` if it is not installed.
    """

    def __init__(self, folder: str | Path, *, histograms: int = 0):
        self.folder = Path(folder)
        self.histograms = check_count("histograms", histograms)
        self._library = _library("tensorboardX", "tensorboard")
        self._writer: Any = None

    def on_fit_begin(self, trainer: Any) -> None:
        # Two fits within a second would otherwise write into one file, the second over the first.
        suffix = f".{time.time_ns()}"
        # Readers forget what an interrupted fit has written of epochs that are trained again.
        again = trainer.history[-1]["epoch"] + 1 if len(trainer.history) else None
        self._writer = self._library.SummaryWriter(
            str(self.folder), purge_step=again, filename_suffix=suffix
        )

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        step = row["epoch"]
        for name, value in numbers_of_row(row).items():
            self._writer.add_scalar(name, value, step)
        if self.histograms and step % self.histograms == 0:
            for path, weight in trainer.weights().items():
                self._writer.add_histogram(path, weight, step)
        self._writer.flush()

    def on_fit_end(self, trainer: Any) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def __repr__(self) -> str:
        return f"TensorBoard({str(self.folder)!r})"


class MLflow(Callback):
    """A run of MLflow: the settings of the trainer once, every number of the history per epoch.

        trainer.fit(x, y, callbacks=[MLflow("houses", folder="mlruns")])

    experiment: its name, created if need be; run: the name of the run, by default one of MLflow's.
    folder: of the local file store, which MLflow opens in newer versions only on demand:
    naming a folder demands it. By default what `mlflow.set_tracking_uri` or the environment says.
    parameters: what else to note. Several fits with one callback add to one run, and so does a
    training that was interrupted and goes on from a checkpoint.
    Raises `BackendError` if mlflow is not installed.
    """

    def __init__(
        self,
        experiment: str = "Default",
        *,
        run: str | None = None,
        folder: str | Path | None = None,
        parameters: Mapping[str, Any] | None = None,
    ):
        self.experiment = experiment
        self.run = run
        self.folder = None if folder is None else Path(folder)
        self.parameters = dict(parameters or {})
        self._library = _library("mlflow", "mlflow")
        self._client: Any = None
        self._number: Any = None  # of the experiment
        self.run_id: str | None = None

    def on_fit_begin(self, trainer: Any) -> None:
        if self._client is None:
            self._client = self._connected()
            known = self._client.get_experiment_by_name(self.experiment)
            number = known and known.experiment_id
            self._number = number or self._client.create_experiment(self.experiment)
        if self.run_id is not None:
            self._client.update_run(self.run_id, status="RUNNING")

    def save_state(self) -> Mapping[str, Any]:
        return {} if self.run_id is None else {"run_id": self.run_id}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.run_id = str(state["run_id"])
        self._client.update_run(self.run_id, status="RUNNING")

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        if self.run_id is None:
            self._begin_run(trainer)

    def _begin_run(self, trainer: Any) -> None:
        self.run_id = self._client.create_run(self._number, run_name=self.run).info.run_id
        noted = {
            "network": repr(trainer.network),
            "optimizer": repr(trainer.optimizer),
            "parameters": trainer.network.count,
            **self.parameters,
        }
        for name, value in noted.items():
            self._client.log_param(self.run_id, name, str(value)[:LONGEST])

    def _connected(self) -> Any:
        """A client of the store."""
        if self.folder is None:
            return self._library.MlflowClient()
        before = os.environ.get(ALLOWED)
        os.environ[ALLOWED] = "true"
        try:
            return self._library.MlflowClient(tracking_uri=self.folder.absolute().as_uri())
        finally:
            if before is None:
                del os.environ[ALLOWED]
            else:
                os.environ[ALLOWED] = before

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        for name, value in numbers_of_row(row).items():
            self._client.log_metric(self.run_id, name, value, step=row["epoch"])

    def on_fit_end(self, trainer: Any) -> None:
        if self.run_id is not None:
            stopped = str(trainer.history.stopped)
            self._client.set_tag(self.run_id, "stopped", stopped)
            failed = stopped.endswith(" was raised")
            self._client.set_terminated(self.run_id, "FAILED" if failed else "FINISHED")

    def __repr__(self) -> str:
        return f"MLflow({self.experiment!r})"


def numbers_of_row(row: Row) -> dict[str, float]:
    """The single finite numbers of a row by name: what can be drawn over epochs."""
    return {
        name: float(value)
        for name, value in row.items()
        if name not in SKIPPED and isinstance(value, int | float) and math.isfinite(value)
    }


def _library(name: str, extra: str) -> Any:
    """A library that need not be there."""
    try:
        return import_module(name)
    except ImportError:
        raise BackendError(
            f"{name} is not installed: pip install 'gradiente[{extra}]', or write the history with "
            "CSVLogger or JSONLinesLogger."
        ) from None
