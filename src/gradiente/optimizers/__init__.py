"""How the gradient moves the parameters."""

from gradiente.optimizers.adadelta import Adadelta
from gradiente.optimizers.adafactor import Adafactor
from gradiente.optimizers.adagrad import Adagrad
from gradiente.optimizers.adam import Adam, AdamW, AMSGrad
from gradiente.optimizers.adamax import Adamax, AdamaxW
from gradiente.optimizers.asgd import ASGD
from gradiente.optimizers.compose import chain, freeze, groups
from gradiente.optimizers.ftrl import FTRL
from gradiente.optimizers.layerwise import LAMB, LARS, NovoGrad
from gradiente.optimizers.muon import Muon
from gradiente.optimizers.nadam import NAdam, NAdamW
from gradiente.optimizers.optimizer import (
    OPTIMIZERS,
    Optimizer,
    apply_updates,
    find_optimizer,
    per_parameter,
)
from gradiente.optimizers.radam import RAdam
from gradiente.optimizers.rmsprop import RMSprop
from gradiente.optimizers.rprop import Rprop
from gradiente.optimizers.second_moments import AdaBelief, Yogi
from gradiente.optimizers.sgd import SGD
from gradiente.optimizers.sign import Lion, SignSGD, Signum
from gradiente.optimizers.transforms import (
    add_weight_decay,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
)

__all__ = [
    "ASGD",
    "FTRL",
    "LAMB",
    "LARS",
    "OPTIMIZERS",
    "SGD",
    "AMSGrad",
    "AdaBelief",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AdamaxW",
    "Lion",
    "Muon",
    "NAdam",
    "NAdamW",
    "NovoGrad",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SignSGD",
    "Signum",
    "Yogi",
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
