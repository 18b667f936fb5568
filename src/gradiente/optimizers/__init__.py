"""How the gradient moves the parameters."""

from gradiente.optimizers.adadelta import Adadelta
from gradiente.optimizers.adafactor import Adafactor
from gradiente.optimizers.adagrad import Adagrad
from gradiente.optimizers.adam import Adam, AdamW, AMSGrad
from gradiente.optimizers.adamax import Adamax, AdamaxW
from gradiente.optimizers.asgd import ASGD
from gradiente.optimizers.averages import (
    exponential_moving_average,
    stochastic_weight_averaging,
)
from gradiente.optimizers.compose import chain, freeze, groups
from gradiente.optimizers.ftrl import FTRL
from gradiente.optimizers.layerwise import LAMB, LARS, NovoGrad
from gradiente.optimizers.lbfgs import LBFGS
from gradiente.optimizers.lookahead import lookahead
from gradiente.optimizers.muon import Muon
from gradiente.optimizers.nadam import NAdam, NAdamW
from gradiente.optimizers.optimizer import (
    OPTIMIZERS,
    Optimizer,
    apply_updates,
    find_optimizer,
    per_parameter,
)
from gradiente.optimizers.prodigy import Prodigy
from gradiente.optimizers.radam import RAdam
from gradiente.optimizers.rmsprop import RMSprop
from gradiente.optimizers.rprop import Rprop
from gradiente.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from gradiente.optimizers.second_moments import AdaBelief, Yogi
from gradiente.optimizers.sgd import SGD
from gradiente.optimizers.sharpness import sam
from gradiente.optimizers.sign import Lion, SignSGD, Signum
from gradiente.optimizers.skip import skip_non_finite
from gradiente.optimizers.sophia import Sophia
from gradiente.optimizers.transforms import (
    adaptive_clip,
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
    "LBFGS",
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
    "Prodigy",
    "RAdam",
    "RMSprop",
    "Rprop",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "SignSGD",
    "Signum",
    "Sophia",
    "Yogi",
    "adaptive_clip",
    "add_weight_decay",
    "apply_updates",
    "chain",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "exponential_moving_average",
    "find_optimizer",
    "freeze",
    "global_norm",
    "groups",
    "lookahead",
    "per_parameter",
    "sam",
    "skip_non_finite",
    "stochastic_weight_averaging",
]
