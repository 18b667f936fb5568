"""Columns of a table as vectors: categories, numbers, and the tokens of a transformer."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradiente.base.arguments import check_count, check_number
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.base.source import current_source
from gradiente.initializers.distributions import normal, uniform
from gradiente.nn.context import is_training, next_key
from gradiente.nn.dtypes import floating
from gradiente.nn.embedding import checked_integers
from gradiente.nn.module import Initializer, Module
from gradiente.nn.rectifiers import relu
from gradiente.nn.representation import written
from gradiente.trace.functions import m
from gradiente.trace.random import bernoulli

Activation = Callable[[Any], Any]


class CategoryEmbedding(Module):
    """y[n, j] = weight[offsetⱼ + x[n, j]]: a vector for each category of each column.

    categories: how many each column has; size: the length of the vectors. Integers outside
    [0, categories) are unknown: each column has one more vector for them, at first zero;
    unknown_rate: the share of categories taken as unknown in training, so that it learns what to
    do. `nn.Sequential(nn.CategoryEmbedding((3, 9), 4), nn.Flatten())` sets columns side by side.
    x: (batch, columns) integers -> y: (batch, columns, size); weight: (Σ (categories + 1), size),
    float32, the vectors of each column and the unknown one after them, standard normal at first.
    Guo & Berkhahn, "Entity embeddings of categorical variables", 2016.

    Raises `InvalidArgumentError` for sizes below 1 and a rate outside [0, 1), `TypeMismatchError`
    for other than integers, `ShapeError` for another number of columns.
    """

    def __init__(
        self,
        categories: Sequence[int],
        size: int,
        *,
        unknown_rate: float = 0.0,
        weight_initializer: Initializer = normal,
    ):
        self.categories = tuple(check_count("categories", n, at_least=1) for n in categories)
        if not self.categories:
            raise InvalidArgumentError("`categories` is empty: give the number of each column.")
        self.size = check_count("size", size, at_least=1)
        self.unknown_rate = check_number("unknown_rate", unknown_rate, at_least=0, below=1)
        self.weight_initializer = weight_initializer
        self.weight: Any = None

    def __call__(self, x: Any) -> Any:
        x = checked_integers(self, x, axes=2)
        if x.ndim != 2 or x.shape[1] != len(self.categories):
            raise ShapeError(
                f"{self!r} takes (batch, {len(self.categories)}) integers, got shape "
                f"{tuple(x.shape)}." + current_source().explain()
            )
        x = m.cast(x, np.int64)
        counts = np.array(self.categories)
        known = (x >= 0) & (x < counts)
        if is_training() and self.unknown_rate > 0:
            known = known & bernoulli(next_key(), 1.0 - self.unknown_rate, tuple(x.shape))
        rows = m.where(known, x, counts) + self._offsets()
        shape = (sum(self.categories) + len(self.categories), self.size)
        return m.take(self.parameter("weight", shape, self._start), rows, axis=0)

    def _offsets(self) -> np.ndarray:
        """Where the vectors of each column begin."""
        return np.cumsum([0, *(n + 1 for n in self.categories[:-1])])

    def _start(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        weight = np.array(self.weight_initializer(key, shape, dtype))
        weight[self._offsets() + np.array(self.categories)] = 0
        return weight

    def __repr__(self) -> str:
        rate = (self.unknown_rate, 0.0)
        return written(self, self.categories, self.size, unknown_rate=rate)


class PeriodicEmbedding(Module):
    """y[n, j] = f(vⱼ Wⱼ + bⱼ),   vⱼ = [cos(2π cⱼ x[n, j]), sin(2π cⱼ x[n, j])]

    size: the length of y[n, j]; frequencies: how many each column has; scale: their standard
    deviation at first, the setting that matters most; activation: f, relu by default, which makes
    it PLR. x: (batch, columns) -> y: (batch, columns, size);
    frequency c: (columns, frequencies), normal at first; weight: (columns, 2 · frequencies, size)
    and bias: (columns, size), uniform within ±1/√(2 · frequencies) at first.
    Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in tabular deep learning",
    NeurIPS 2022.

    Raises `InvalidArgumentError` for sizes below 1 and a scale not above 0, `ShapeError` unless x
    has two axes.
    """

    def __init__(
        self,
        size: int = 24,
        frequencies: int = 48,
        scale: float = 0.01,
        activation: Activation = relu,
    ):
        self.size = check_count("size", size, at_least=1)
        self.frequencies = check_count("frequencies", frequencies, at_least=1)
        self.scale = check_number("scale", scale, above=0)
        self.activation = activation
        self.frequency: Any = None
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = _numbers(self, x)
        shape = (x.shape[1], self.frequencies)
        start = partial(normal, std=self.scale)
        frequency = self.parameter("frequency", shape, start, x.dtype)
        angle = (2 * math.pi) * frequency * m.expand_dims(x, -1)
        waves = m.concatenate((m.cos(angle), m.sin(angle)), axis=-1)
        return self.activation(_each_column(self, waves, self.size))

    def __repr__(self) -> str:
        return written(
            self,
            size=(self.size, 24),
            frequencies=(self.frequencies, 48),
            scale=(self.scale, 0.01),
            activation=(self.activation, relu),
        )


class PiecewiseLinearEmbedding(Module):
    """y[n, j] = f(eⱼ Wⱼ + bⱼ),   eⱼₜ = (x[n, j] - lₜ) / (lₜ₊₁ - lₜ), between 0 and 1

    The first part has no lower limit and the last no upper one. edges: for each column the limits
    l₀ < l₁ < … of its parts, as `quantile_edges` finds them in the training data; size: the length
    of y[n, j]; activation: f, none by default.
    x: (batch, columns) -> y: (batch, columns, size); weight: (columns, parts, size) and bias:
    (columns, size), uniform within ±1/√parts at first; limits, a buffer: (columns, parts + 1), of
    columns with fewer parts the last one repeated.
    Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in tabular deep learning",
    NeurIPS 2022.

    Raises `InvalidArgumentError` for other edges and sizes below 1, `ShapeError` for another number
    of columns.
    """

    buffer_names = ("limits",)

    def __init__(self, edges: Sequence[Any], size: int = 24, activation: Activation | None = None):
        self._edges = _filled_up(edges)
        self.size = check_count("size", size, at_least=1)
        self.activation = activation
        self.limits: Any = None
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = _numbers(self, x)
        if x.shape[1] != len(self._edges):
            raise ShapeError(
                f"{self!r} has edges of {len(self._edges)} columns, got shape {tuple(x.shape)}."
                + current_source().explain()
            )
        limits = self.buffer("limits", self._edges.astype(x.dtype))
        y = _each_column(self, _shares(m.expand_dims(x, -1), limits), self.size)
        return y if self.activation is None else self.activation(y)

    def __repr__(self) -> str:
        columns, limits = self._edges.shape
        chosen = written(self, size=(self.size, 24), activation=(self.activation, None))
        edges = f"<{columns} columns, {limits - 1} parts>"
        return chosen.replace("(", f"({edges}, ", 1).replace(", )", ")")


class FeatureTokenizer(Module):
    """y[n, j] = x[n, j] weightⱼ + biasⱼ for numbers, embeddingⱼ(x[n, j]) + biasⱼ for categories.

    The tokens of an FT-Transformer. size: the length of a token; categories: how many each column
    of categories has; class_token: whether a trained vector, the same for all samples, is the first
    token. x: (batch, numbers), or with categories the tuple of it and (batch, columns) integers,
    unknown ones as in `CategoryEmbedding` -> y: (batch, tokens, size), the class token, numbers,
    categories. weight: (numbers, size), bias: (columns of both, size), class_vector: (size,), all
    uniform within ±1/√size at first.
    Gorishniy et al., "Revisiting deep learning models for tabular data", NeurIPS 2021.

    Raises `InvalidArgumentError` for sizes below 1, `TypeMismatchError` unless x is a tuple where
    there are categories, `ShapeError` for x of other axes.
    """

    def __init__(self, size: int, categories: Sequence[int] = (), *, class_token: bool = True):
        self.size = check_count("size", size, at_least=1)
        self._start = partial(uniform, low=-(self.size**-0.5), high=self.size**-0.5)
        self.class_token = class_token
        self.embedding = (
            CategoryEmbedding(categories, size, weight_initializer=self._start)
            if len(categories)
            else None
        )
        self.class_vector: Any = None
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        if isinstance(x, tuple) == (self.embedding is None) or (
            isinstance(x, tuple) and len(x) != 2
        ):
            wanted = "an array of numbers" if self.embedding is None else "(numbers, categories)"
            raise TypeMismatchError(f"{self!r} takes {wanted}." + current_source().explain())
        numbers = _numbers(self, x[0] if isinstance(x, tuple) else x)
        samples, columns = numbers.shape
        weight = self.parameter("weight", (columns, self.size), self._start, numbers.dtype)
        tokens = [m.expand_dims(numbers, -1) * weight]
        if self.embedding is not None:
            tokens.append(m.cast(self.embedding(x[1]), numbers.dtype))
            columns += len(self.embedding.categories)
        bias = self.parameter("bias", (columns, self.size), self._start, numbers.dtype)
        y = m.concatenate(tokens, axis=1) + bias
        if not self.class_token:
            return y
        first = self.parameter("class_vector", (self.size,), self._start, numbers.dtype)
        return m.concatenate((m.broadcast_to(first, (samples, 1, self.size)), y), axis=1)

    def __repr__(self) -> str:
        categories = () if self.embedding is None else self.embedding.categories
        return written(
            self,
            self.size,
            categories=(categories, ()),
            class_token=(self.class_token, True),
        )


def quantile_edges(x: Any, parts: int = 48) -> list[np.ndarray]:
    """For each column of x its quantiles at 0, 1/parts, …, 1, equal ones once.

    x: (samples, columns). The edges of a `PiecewiseLinearEmbedding`, found in the training data.
    Raises `InvalidArgumentError` for parts below 1, and for a column of which all values are equal.
    """
    parts = check_count("parts", parts, at_least=1)
    at = np.linspace(0, 1, parts + 1)
    edges = [np.unique(np.quantile(column, at)) for column in np.asarray(x).T]
    for place, each in enumerate(edges):
        if len(each) < 2:
            raise InvalidArgumentError(
                f"column {place} has one value only, {each[0]:g}, and no parts; leave it out."
            )
    return edges


def _numbers(layer: Module, x: Any) -> Any:
    x = floating(x, axes=2)
    if x.ndim == 2:
        return x
    raise ShapeError(
        f"{layer!r} takes (batch, columns), got shape {tuple(x.shape)}."
        + current_source().explain()
    )


def _each_column(layer: Module, x: Any, size: int) -> Any:
    """A linear layer of its own for each column: (batch, columns, n) -> (batch, columns, size)"""
    _, columns, n = x.shape
    start = partial(uniform, low=-(n**-0.5), high=n**-0.5)
    weight = layer.parameter("weight", (columns, n, size), start, x.dtype)
    bias = layer.parameter("bias", (columns, size), start, x.dtype)
    return m.swapaxes(m.swapaxes(x, 0, 1) @ weight, 0, 1) + bias


def _filled_up(edges: Sequence[Any]) -> np.ndarray:
    """The edges of all columns in one array, the last ones repeated."""
    arrays = [np.asarray(each, np.float64) for each in edges]
    fine = [a.ndim == 1 and len(a) > 1 and bool(np.all(np.diff(a) > 0)) for a in arrays]
    if not arrays or not all(fine):
        raise InvalidArgumentError(
            "`edges` must be, for each column, two ascending numbers or more; see "
            "`nn.quantile_edges`."
        )
    longest = max(map(len, arrays))
    return np.array([np.pad(a, (0, longest - len(a)), mode="edge") for a in arrays])


def _shares(x: Any, limits: Any) -> Any:
    """How much of each part lies below x: (batch, columns, 1) -> (batch, columns, parts)"""
    lower, width = limits[:, :-1], limits[:, 1:] - limits[:, :-1]
    there = width > 0
    parts = width.shape[1]
    followed = m.concatenate((there[:, 1:], np.zeros((len(limits), 1), bool)), axis=1)
    lowest = np.where(np.arange(parts) == 0, -np.inf, 0.0).astype(x.dtype)
    highest = m.where(followed, m.cast(1.0, x.dtype), m.cast(np.inf, x.dtype))
    share = (x - lower) / m.where(there, width, 1.0)
    return m.where(there, m.minimum(m.maximum(share, lowest), highest), 0.0)
