"""PyTorch: batches sliced beforehand, fused optimizers, all cores; eager, or `torch.compile`."""

import os
from importlib import import_module
from typing import Any

import numpy as np
import torch

from benchmarks.peers.torch.loading import load
from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload


class Training:
    """compiled: forward pass and loss, and with them the backward pass, through `torch.compile`."""

    note = ""

    def __init__(self, workload: Workload, compiled: bool = False):
        if hasattr(os, "sched_getaffinity"):
            torch.set_num_threads(len(os.sched_getaffinity(0)))
        kind = import_module(f"benchmarks.peers.torch.{workload.network.kind}")
        x, y = map(torch.from_numpy, workload.data())
        y = y if workload.regression else y.long()
        x = kind.prepared(x)
        self.batches = list(zip(x.split(workload.batch), y.split(workload.batch), strict=True))
        network = kind.Network(workload.network).to(dtype=getattr(torch, workload.dtype))
        network = network.to(memory_format=torch.channels_last)  # matters to convolutions only
        load(network, kind.renamed(workload.weights()))
        measure = torch.nn.MSELoss() if workload.regression else torch.nn.CrossEntropyLoss()
        self.optimizer = getattr(torch.optim, workload.optimizer)(
            [parameter for parameter in network.parameters() if parameter.requires_grad],
            lr=workload.learning_rate,
            fused=True,
        )

        def loss(x: Any, y: Any) -> Any:
            prediction = network(x)
            return measure(prediction, y) if workload.regression else _entropy(prediction, y)

        def _entropy(prediction: Any, y: Any) -> Any:
            return measure(prediction.flatten(0, -2), y.flatten())

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
