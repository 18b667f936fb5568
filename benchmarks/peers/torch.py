"""PyTorch: batches sliced beforehand, fused Adam, all cores; eager, or through `torch.compile`."""

import os
from typing import Any

import numpy as np
import torch

from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload


class Training:
    """compiled: forward pass and loss, and with them the backward pass, through `torch.compile`."""

    note = ""

    def __init__(self, workload: Workload, compiled: bool = False):
        if hasattr(os, "sched_getaffinity"):
            torch.set_num_threads(len(os.sched_getaffinity(0)))
        x, y = map(torch.from_numpy, workload.data())
        y = y if workload.regression else y.long()
        self.batches = list(zip(x.split(workload.batch), y.split(workload.batch), strict=True))
        network = _network(workload)
        measure = torch.nn.MSELoss() if workload.regression else torch.nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=workload.learning_rate, fused=True
        )

        def loss(x: Any, y: Any) -> Any:
            return measure(network(x), y)

        self.loss = torch.compile(loss, dynamic=False) if compiled else loss
        if compiled:
            self._compile()

    def _compile(self) -> None:
        try:
            self.loss(*self.batches[0]).backward()
        except Exception as error:  # which of many depends on what the machine lacks
            last = str(error).strip().splitlines() or [""]
            raise Unsuitable(f"torch.compile fails: {type(error).__name__}: {last[0]}") from error

    def train(self, epochs: int) -> None:
        """The loop of the tutorials."""
        for _ in range(epochs):
            for x, y in self.batches:
                self._step(x, y)

    def losses(self, epochs: int) -> list[float]:
        """The loss of each step as a number, averaged."""
        return [
            float(np.mean([self._step(x, y).item() for x, y in self.batches]))
            for _ in range(epochs)
        ]

    def _step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.loss(x, y)
        loss.backward()
        self.optimizer.step()
        return loss


def _network(workload: Workload) -> torch.nn.Sequential:
    """The layers, which keep their weights as (outputs, inputs)."""
    layers: list[torch.nn.Module] = []
    for weight, bias in workload.weights():
        layer = torch.nn.Linear(*weight.shape, dtype=getattr(torch, workload.dtype))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])
