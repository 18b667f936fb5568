"""scikit-learn's callback protocol (SLEP023), where the installed version has it."""

from typing import Any

from gradiente.train.callbacks import Callback
from gradiente.train.history import Row

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for the class that is not there: an estimator without `set_callbacks`."""

    def with_callbacks(method: Any) -> Any:
        """The method itself."""
        return method


__all__ = ["CallbackSupportMixin", "Tasks", "with_callbacks"]


class Tasks(Callback):
    """Tells scikit-learn's callbacks of the fit of an estimator: one task per epoch.

    fitted: gives the attributes that make the estimator a fitted one, as it is in this moment.
    data: the keywords X, y and metadata of the hooks.
    """

    def __init__(self, estimator: Any, epochs: int, data: dict[str, Any], fitted: Any):
        self.estimator = estimator
        self.data = data
        self.fitted = fitted
        self.root = estimator._init_callback_context(max_subtasks=epochs)
        self.epoch: Any = None

    def on_fit_begin(self, trainer: Any) -> None:
        self.root.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        self.epoch = self.root.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(
            estimator=self.estimator, **self.data, reconstruction_attributes=self.fitted
        )

    def on_epoch_end(self, trainer: Any, row: Row) -> None:
        stop = self.epoch.call_on_fit_task_end(
            estimator=self.estimator, **self.data, reconstruction_attributes=self.fitted
        )
        if stop:
            trainer.stop("a callback of scikit-learn said so")

    def on_fit_end(self, trainer: Any) -> None:
        self.root.call_on_fit_task_end(
            estimator=self.estimator, **self.data, reconstruction_attributes=self.fitted
        )


def tasks(estimator: Any, epochs: int, data: dict[str, Any], fitted: Any) -> list[Callback]:
    """The callback that tells scikit-learn's, if the estimator has any."""
    if not hasattr(estimator, "_init_callback_context"):
        return []
    told = Tasks(estimator, epochs, data, fitted)
    return [told] if getattr(estimator, "_skl_callbacks", None) else []
