"""What several networks of JAX are made of: functions of the parameters, by name."""

from typing import Any

import jax

EPSILON = 1e-5  # of normalization


def dense(parameters: Any, name: str, x: Any) -> Any:
    """x W + b"""
    return x @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]


def convolution(parameters: Any, name: str, x: Any, padding: Any, stride: int = 1) -> Any:
    """Of images (n, height, width, channels), without bias."""
    weight = parameters[f"{name}.weight"]
    return jax.lax.conv_general_dilated(
        x, weight, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def scaled(parameters: Any, name: str, x: Any) -> Any:
    """The end of a normalization."""
    return x * parameters[f"{name}.weight"] + parameters[f"{name}.bias"]
