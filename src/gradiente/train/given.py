"""What a call of fit or evaluate was given, as samples: arrays, tables or a stream."""

from collections.abc import Iterator
from typing import Any

from gradiente.base.errors import InvalidArgumentError
from gradiente.data.encode import Preprocessing
from gradiente.data.stream import Stream
from gradiente.optimizers.optimizer import Optimizer
from gradiente.train.inputs import Samples, inputs, samples, with_chances, with_validation
from gradiente.train.step import Recipe
from gradiente.train.stream_run import refuse_with_stream
from gradiente.train.stream_samples import first_samples, input_parts, parts_of
from gradiente.train.tables import encoded, encoded_inputs, encoded_validation


def divided(
    recipe: Recipe, preprocessing: Preprocessing | None, x: Any, y: Any, given: dict[str, Any]
) -> tuple[Samples, Samples | None]:
    """Training and validation samples from what `fit` was given; of streams the first ones.

    given: sample_weight, sampling, validation and shuffle, as in `Trainer.fit`.
    """
    validation = encoded_validation(preprocessing, given["validation"])
    if isinstance(x, Stream):
        refuse_with_stream(recipe.optimizer, y, given)
        return with_validation(first_samples(x), validation, recipe.seed)
    if given["sampling"] is not None:
        _refuse_sampling(recipe.optimizer, given["shuffle"])
    x, y = encoded(preprocessing, x, y)
    data = with_chances(samples(x, y, given["sample_weight"]), given["sampling"])
    return with_validation(data, validation, recipe.seed)


def parts_to_measure(
    preprocessing: Preprocessing | None, x: Any, y: Any, weight: Any
) -> Iterator[Samples]:
    """What `evaluate` was given, in one part, or chunk by chunk if it is a stream."""
    if not isinstance(x, Stream):
        yield samples(*encoded(preprocessing, x, y), weight)
        return
    if y is not None or weight is not None:
        raise InvalidArgumentError("a stream has targets and weights with it: leave them out.")
    yield from parts_of(x)


def parts_to_predict(preprocessing: Preprocessing | None, x: Any) -> Iterator[Samples]:
    """What `predict` was given, in one part, or chunk by chunk if it is a stream."""
    if isinstance(x, Stream):
        yield from input_parts(x)
    else:
        yield inputs(encoded_inputs(preprocessing, x))


def _refuse_sampling(optimizer: Optimizer, shuffle: bool) -> None:
    if not shuffle:
        raise InvalidArgumentError("sampling= draws at random: leave out shuffle=False.")
    if optimizer.search is not None:
        raise InvalidArgumentError(
            f"{optimizer!r} works on all samples at once and draws none: give sample_weight= "
            "instead of sampling=."
        )
