"""The options of a training."""

import pytest

from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.cli.options import TrainOptions, checked_options, gather_options


def test_the_command_line_goes_before_the_file_and_the_file_before_the_defaults(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('data = "iris"\nepochs = 7\nseed = 3\nlearning-rate = 0.01\nhidden = [8, 4]\n')
    options = gather_options({"seed": 5, "epochs": None}, file)
    expected = {"epochs": 7, "seed": 5, "learning_rate": 0.01, "hidden": (8, 4)}
    assert options == TrainOptions("iris", **expected)


@pytest.mark.parametrize(
    ("value", "sizes"), [("64, 32", (64, 32)), ("8", (8,)), (8, (8,)), ([], ()), ("", ())]
)
def test_hidden_sizes(value, sizes):
    assert checked_options({"data": "iris", "hidden": value}).hidden == sizes


def test_names_are_read_in_any_case():
    options = checked_options({"data": "x", "optimizer": "AdamW", "activation": "leaky-relu"})
    assert (options.optimizer, options.activation) == ("adamw", "leaky_relu")


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"hidden": "64,x"}, InvalidArgumentError, "hidden sizes are whole numbers"),
        ({"hidden": "0"}, InvalidArgumentError, "hidden sizes"),
        ({"hidden": {}}, InvalidArgumentError, "hidden sizes"),
        ({"activation": "rellu"}, UnknownNameError, "Did you mean `relu`"),
        ({"optimizer": "adamx"}, UnknownNameError, "Did you mean `adam"),
        ({"schedule": "cosin"}, UnknownNameError, "Did you mean `cosine`"),
        ({"loss": "hinge"}, InvalidArgumentError, "must be one of 'cross_entropy'"),
        ({"task": "clustering"}, InvalidArgumentError, "must be one of 'classification'"),
        ({"dropout": 1.0}, InvalidArgumentError, "below 1"),
        ({"learning_rate": 0.0}, InvalidArgumentError, "above 0"),
        ({"learning_rate": float("nan")}, InvalidArgumentError, "finite"),
        ({"batch_size": 0}, InvalidArgumentError, "1 or more"),
        ({"epochs": 1.5}, InvalidArgumentError, "whole number"),
        ({"patience": -1}, InvalidArgumentError, "1 or more"),
        ({"max_seconds": 0}, InvalidArgumentError, "above 0"),
        ({"test_fraction": 0}, InvalidArgumentError, "above 0"),
        ({"seed": -1}, InvalidArgumentError, "0 or more"),
        ({"seed": "one"}, InvalidArgumentError, "whole number"),
        ({"target": 3}, InvalidArgumentError, "must be text"),
        ({"header": "yes"}, InvalidArgumentError, "true or false"),
        ({"optimizer": 1}, InvalidArgumentError, "must be text"),
    ],
)
def test_values_that_make_no_sense(option, error, message):
    with pytest.raises(error, match=message):
        checked_options({"data": "iris", **option})


def test_unknown_options_in_a_file_get_the_closest_name(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('data = "iris"\nepoch = 7\n')
    with pytest.raises(InvalidArgumentError, match=r"unknown option 'epoch': did you mean epochs"):
        gather_options({}, file)


def test_data_must_be_given():
    with pytest.raises(InvalidArgumentError, match="say what to train on"):
        gather_options({}, None)
