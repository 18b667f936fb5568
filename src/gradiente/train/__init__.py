"""Training: the trainer, what may look on while it trains, and what it writes down.

`from gradiente.train import EarlyStopping, Checkpoint, CSVLogger` are callbacks, to be given to
`Trainer.fit(..., callbacks=[...])`; any function of (trainer, row) is one as well.
"""

from gradiente.train.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateSchedule,
)
from gradiente.train.checkpoint_callback import Checkpoint
from gradiente.train.history import History
from gradiente.train.loggers import CSVLogger, JSONLinesLogger
from gradiente.train.trackers import MLflow, TensorBoard
from gradiente.train.trainer import Trainer

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "JSONLinesLogger",
    "LambdaCallback",
    "LearningRateSchedule",
    "MLflow",
    "TensorBoard",
    "Trainer",
]
