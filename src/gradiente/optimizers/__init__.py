"""How the gradient moves the parameters."""

from gradiente.optimizers.adagrad import Adagrad
from gradiente.optimizers.adam import Adam, AdamW
from gradiente.optimizers.compose import chain, freeze, groups
from gradiente.optimizers.optimizer import (
    OPTIMIZERS,
    Optimizer,
    apply_updates,
    find_optimizer,
    per_parameter,
)
from gradiente.optimizers.rmsprop import RMSprop
from gradiente.optimizers.sgd import SGD
from gradiente.optimizers.transforms import (
    add_weight_decay,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "add_weight_decay",
    "apply_updates",
    "chain",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "find_optimizer",
    "freeze",
    "global_norm",
    "groups",
    "per_parameter",
]
