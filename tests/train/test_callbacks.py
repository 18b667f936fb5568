"""What counts as a callback, and how callbacks are told."""

import pytest

from gradiente.base.errors import InvalidArgumentError
from gradiente.train.callbacks import (
    Callback,
    EarlyStopping,
    EpochFunction,
    as_callbacks,
    as_early_stopping,
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
