"""Arguments that make no sense are refused in a sentence that names them."""

import pytest

from gradiente import optimizers
from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    RMSprop,
    add_weight_decay,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    find_optimizer,
)

NAMES = (
    "sgd adam adamw amsgrad adamax adamaxw nadam nadamw radam rmsprop adagrad adadelta rprop asgd "
    "adafactor lion lamb lars ftrl muon adabelief yogi novograd signsgd signum "
    "schedulefreesgd schedulefreeadamw prodigy lbfgs sophia"
)


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [
        (SGD, {"learning_rate": -1}, "`learning_rate` is -1: .*at least 0"),
        (SGD, {"learning_rate": float("nan")}, "`learning_rate` is nan"),
        (SGD, {"learning_rate": float("inf")}, "`learning_rate` is inf"),
        (SGD, {"learning_rate": "fast"}, "`learning_rate` is 'fast'"),
        (SGD, {"learning_rate": True}, "`learning_rate` is True"),
        (SGD, {"momentum": 1.0}, "`momentum` is 1.0: .*at least 0 and below 1"),
        (SGD, {"momentum": 0.9, "dampening": -0.1}, "`dampening` is -0.1"),
        (SGD, {"momentum": 0.9, "dampening": 1.1}, "`dampening` is 1.1: .*at most 1"),
        (SGD, {"weight_decay": -0.1}, "`weight_decay` is -0.1"),
        (SGD, {"nesterov": True}, "`nesterov` needs a `momentum`"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "`dampening=0`"),
        (Adam, {"betas": (0.9, 1.0)}, r"`betas\[1\]` is 1.0"),
        (Adam, {"betas": (-0.1, 0.9)}, r"`betas\[0\]` is -0.1"),
        (Adam, {"betas": (1.0, 0.9)}, r"`betas\[0\]` is 1.0"),
        (Adam, {"betas": 0.9}, "`betas` is 0.9: it must be a pair"),
        (Adam, {"betas": (0.9, 0.99, 0.999)}, "`betas` is .*pair"),
        (AdamW, {"epsilon": -1e-8}, "`epsilon` is -1e-08"),
        (AdamW, {"weight_decay": None}, "`weight_decay` is None"),
        (RMSprop, {"decay": 1.5}, "`decay` is 1.5"),
        (RMSprop, {"epsilon": -1}, "`epsilon` is -1"),
        (RMSprop, {"momentum": 1.0}, "`momentum` is 1.0"),
        (RMSprop, {"momentum": -1}, "`momentum` is -1"),
        (RMSprop, {"weight_decay": -1}, "`weight_decay` is -1"),
        (Adagrad, {"learning_rate_decay": -1}, "`learning_rate_decay` is -1"),
        (Adagrad, {"initial_accumulator_value": -1}, "`initial_accumulator_value` is -1"),
        (Adagrad, {"epsilon": -1}, "`epsilon` is -1"),
        (Adagrad, {"weight_decay": -1}, "`weight_decay` is -1"),
        (optimizers.Adamax, {"epsilon": -1}, "`epsilon` is -1"),
        (optimizers.AdamaxW, {"weight_decay": -1}, "`weight_decay` is -1"),
        (optimizers.NAdam, {"momentum_decay": -1}, "`momentum_decay` is -1"),
        (optimizers.NAdamW, {"betas": (1.0, 0.9)}, r"`betas\[0\]` is 1.0"),
        (optimizers.RAdam, {"epsilon": -1}, "`epsilon` is -1"),
        (optimizers.Adadelta, {"decay": 1.5}, "`decay` is 1.5"),
        (optimizers.Rprop, {"factors": (1.0, 1.2)}, r"`factors\[0\]` is 1.0"),
        (optimizers.Rprop, {"factors": (0.5, 1.0)}, r"`factors\[1\]` is 1.0"),
        (optimizers.Rprop, {"factors": 0.5}, "`factors` is 0.5: it must be a pair"),
        (optimizers.Rprop, {"step_sizes": (2, 1)}, "`step_sizes` is .*smaller one comes first"),
        (optimizers.ASGD, {"start": -1}, "`start` is -1"),
        (optimizers.ASGD, {"power": -1}, "`power` is -1"),
        (optimizers.Adafactor, {"clip_threshold": 0.5}, "`clip_threshold` is 0.5: .*at least 1"),
        (optimizers.Adafactor, {"decay_power": -1}, "`decay_power` is -1"),
        (optimizers.Adafactor, {"epsilon": -1}, "`epsilon` is -1"),
        (optimizers.Lion, {"weight_decay": -1}, "`weight_decay` is -1"),
        (optimizers.SignSGD, {"momentum": 1.0}, "`momentum` is 1.0"),
        (optimizers.LARS, {"trust_coefficient": 0}, "`trust_coefficient` is 0: .*above 0"),
        (optimizers.LAMB, {"epsilon": -1}, "`epsilon` is -1"),
        (optimizers.NovoGrad, {"betas": (0.9, 1.0)}, r"`betas\[1\]` is 1.0"),
        (optimizers.FTRL, {"l1": -1}, "`l1` is -1"),
        (optimizers.FTRL, {"initial_accumulator_value": -1}, "`initial_accumulator_value` is -1"),
        (optimizers.Muon, {"iterations": 0}, "`iterations` is 0: .*1 or more"),
        (optimizers.Muon, {"scale": "rms"}, "`scale` is 'rms'.*'match_adamw'"),
        (optimizers.AdaBelief, {"epsilon": -1}, "`epsilon` is -1"),
        (optimizers.Yogi, {"initial_accumulator_value": -1}, "`initial_accumulator_value` is -1"),
        (optimizers.ScheduleFreeSGD, {"momentum": 0}, "`momentum` is 0"),
        (optimizers.ScheduleFreeAdamW, {"betas": (0, 0.9)}, r"`betas\[0\]` is 0"),
        (optimizers.LBFGS, {"history": 0}, "`history` is 0"),
        (optimizers.LBFGS, {"tolerance": -1}, "`tolerance` is -1"),
        (optimizers.Sophia, {"every": 0}, "`every` is 0"),
        (optimizers.Sophia, {"scale": 0}, "`scale` is 0"),
        (optimizers.Prodigy, {"initial_distance": 0}, "`initial_distance` is 0"),
        (optimizers.adaptive_clip, {"ratio": 0}, "`ratio` is 0"),
        (clip_by_global_norm, {"maximum_norm": 0}, "`maximum_norm` is 0: .*above 0"),
        (clip_by_norm, {"maximum_norm": -1}, "`maximum_norm` is -1"),
        (clip_by_value, {"maximum": 0}, "`maximum` is 0"),
        (add_weight_decay, {"weight_decay": -1}, "`weight_decay` is -1"),
    ],
)
def test_refused(factory, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        factory(**options)


def test_every_optimizer_is_found_by_name_in_any_case():
    assert set(OPTIMIZERS) == set(NAMES.split())
    assert find_optimizer("AdamW") is find_optimizer("adamw") is AdamW


def test_an_unknown_name_brings_the_nearest_one():
    with pytest.raises(
        UnknownNameError, match=r"`Adamm` does not exist\. Did you mean `adam`\?.*sgd"
    ):
        find_optimizer("Adamm")
