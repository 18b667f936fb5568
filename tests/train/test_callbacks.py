"""What counts as a callback, and how callbacks are told."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn, optimizers
from gradiente.base.errors import InvalidArgumentError
from gradiente.train.callbacks import (
    Callback,
    EarlyStopping,
    EpochFunction,
    LambdaCallback,
    LearningRateSchedule,
    as_callbacks,
    as_early_stopping,
    listens,
    tell,
)


def test_callbacks_and_functions():
    callback = Callback()
    first, second = as_callbacks((callback, print))
    assert first is callback
    assert isinstance(second, EpochFunction) and repr(second) == "print"
    assert as_callbacks([]) == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (EarlyStopping(2), r"callbacks is a list of callbacks, not EarlyStopping\(2\)"),
        (print, "callbacks is a list"),
        ("abc", "callbacks is a list"),
        ([EarlyStopping], r"not <class .*EarlyStopping'> \(write EarlyStopping\(\.\.\.\)\)"),
        (["stop"], r"a callback is a gradiente Callback or a function .*, not 'stop'\."),
        ([None], "not None"),
    ],
)
def test_what_is_none(given, text):
    with pytest.raises(InvalidArgumentError, match=text):
        as_callbacks(given)


def test_early_stopping_by_number_or_object():
    stopping = EarlyStopping(3, monitor="loss")
    assert as_early_stopping(None) == []
    assert as_early_stopping(stopping) == [stopping]
    assert as_early_stopping(5)[0].patience == 5
    assert repr(stopping) == "EarlyStopping(3, monitor='loss')"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"patience": 0}, "`patience` is 0"),
        ({"patience": True}, "`patience` is True"),
        ({"patience": 2.5}, "`patience` is 2"),
        ({"minimum_change": -1}, "`minimum_change` is -1"),
    ],
)
def test_early_stopping_refuses(options, text):
    with pytest.raises(InvalidArgumentError, match=text):
        EarlyStopping(**options)


def test_a_plain_callback_does_nothing():
    for event, args in (
        ("on_fit_begin", ()),
        ("on_epoch_begin", (1,)),
        ("on_batch_end", (1,)),
        ("on_epoch_end", ({},)),
        ("on_fit_end", ()),
    ):
        tell([Callback()], event, None, *args)


def test_an_interrupt_carries_no_note():
    def interrupts(trainer, row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        tell(as_callbacks([interrupts]), "on_epoch_end", None, {})
    assert not hasattr(caught.value, "__notes__")


def test_functions_for_any_event():
    seen = []
    callback = LambdaCallback(
        on_epoch_begin=lambda trainer, epoch: seen.append(epoch),
        on_fit_end=lambda trainer: seen.append("end"),
    )
    for event, args in (("on_fit_begin", ()), ("on_epoch_begin", (4,)), ("on_fit_end", ())):
        tell([callback], event, None, *args)
    assert seen == [4, "end"]
    assert repr(callback) == "LambdaCallback(on_epoch_begin, on_fit_end)"
    assert listens([callback], "on_fit_end") and not listens([callback], "on_batch_end")
    assert listens([LambdaCallback(on_batch_end=print)], "on_batch_end")
    assert not listens([Callback(), EarlyStopping(3)], "on_batch_end")


@pytest.mark.parametrize("given", [{"on_epoch": print}, {"on_fit_end": 3}, {"__init__": print}])
def test_functions_for_events_that_do_not_exist(given):
    with pytest.raises(InvalidArgumentError, match="functions for on_fit_begin, on_epoch_begin"):
        LambdaCallback(**given)


def test_a_schedule_by_epochs():
    rates = []

    class Told:
        position = None  # no epoch was interrupted
        learning_rate = property(None, lambda self, rate: rates.append(rate))

    def halved(epoch):
        return 0.5**epoch

    callback = LearningRateSchedule(halved)
    for epoch in (1, 2, 3):
        tell([callback], "on_epoch_begin", Told(), epoch)
    assert rates == [0.5, 0.25, 0.125]
    assert repr(callback) == "LearningRateSchedule(halved)"


def test_all_are_told_before_the_first_error_is_raised():
    def fails(trainer, row):
        raise KeyError("x")

    def breaks(trainer, row):
        raise ValueError("full")

    seen = []
    callbacks = as_callbacks([fails, breaks, lambda trainer, row: seen.append(row)])
    with pytest.raises(KeyError) as caught:
        tell(callbacks, "on_epoch_end", None, {"epoch": 1})
    assert seen == [{"epoch": 1}]
    assert caught.value.__notes__ == [
        "raised in on_epoch_end of the callback fails",
        "afterwards ValueError: full was raised in on_epoch_end of the callback breaks",
    ]


def test_a_callback_that_does_not_touch_the_network_leaves_it_as_it_was():
    class Looks(Callback):
        touches_network = False

        def __init__(self):
            self.of_network, self.of_trainer = [], []

        def on_epoch_end(self, trainer, row):
            self.of_network.append(trainer.network.state()["weight"].copy())
            self.of_trainer.append(trainer.weights()["weight"])

    x = np.linspace(-1, 1, 12)[:, np.newaxis]
    ends = []
    for touches in (False, True):
        looks, network = Looks(), nn.Dense(1)
        looks.touches_network = touches
        trainer = gd.Trainer(network, "mse", optimizers.SGD(0.1))
        trainer.fit(x, 2 * x, epochs=3, callbacks=[looks], verbose=False)
        ends.append(network.weight)
        fresh = [
            np.array_equal(a, b) for a, b in zip(looks.of_network, looks.of_trainer, strict=True)
        ]
        assert fresh == [touches] * 3
    np.testing.assert_array_equal(*ends)
