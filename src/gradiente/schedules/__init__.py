"""The learning rate as a function of the step."""

from gradiente.schedules.combine import chained, joined
from gradiente.schedules.cycle import cyclic, one_cycle
from gradiente.schedules.decay import constant, cosine, exponential, linear, step
from gradiente.schedules.piecewise import multi_step, piecewise_constant, piecewise_interpolate
from gradiente.schedules.plateau import ReduceOnPlateau, adaptive, reduce_on_plateau
from gradiente.schedules.powers import (
    inv_scaling,
    inverse_square_root,
    inverse_time,
    noam,
    polynomial,
    power,
)
from gradiente.schedules.restarts import cosine_restarts, sgdr
from gradiente.schedules.schedule import SCHEDULES, Schedule, find_schedule
from gradiente.schedules.stable import swa_constant, warmup_stable_decay
from gradiente.schedules.warm_up import warmup

__all__ = [
    "SCHEDULES",
    "ReduceOnPlateau",
    "Schedule",
    "adaptive",
    "chained",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "exponential",
    "find_schedule",
    "inv_scaling",
    "inverse_square_root",
    "inverse_time",
    "joined",
    "linear",
    "multi_step",
    "noam",
    "one_cycle",
    "piecewise_constant",
    "piecewise_interpolate",
    "polynomial",
    "power",
    "reduce_on_plateau",
    "sgdr",
    "step",
    "swa_constant",
    "warmup",
    "warmup_stable_decay",
]
