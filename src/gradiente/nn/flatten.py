"""All axes of a sample in one."""

from typing import Any

from gradiente.nn.module import Module
from gradiente.trace.functions import m


class Flatten(Module):
    """x: (batch, ...) -> y: (batch, features), in row-major order."""

    def __call__(self, x: Any) -> Any:
        features = 1
        for length in x.shape[1:]:
            features *= length
        return m.reshape(x, (x.shape[0], features))

    def __repr__(self) -> str:
        return "Flatten()"
