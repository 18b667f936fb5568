"""The learning rate as a function of the step."""

from gradiente.schedules.cycle import one_cycle
from gradiente.schedules.decay import constant, cosine, exponential, linear, step
from gradiente.schedules.plateau import ReduceOnPlateau, reduce_on_plateau
from gradiente.schedules.schedule import SCHEDULES, Schedule, find_schedule
from gradiente.schedules.warm_up import warmup

__all__ = [
    "SCHEDULES",
    "ReduceOnPlateau",
    "Schedule",
    "constant",
    "cosine",
    "exponential",
    "find_schedule",
    "linear",
    "one_cycle",
    "reduce_on_plateau",
    "step",
    "warmup",
]
