"""What a folder of the route offers although a later folder makes it: loaded when it is used.

A trainer has a method `report`, but reports know trainers and come after them. Such methods, and
nothing else, reach forward, by the names that stand here.
"""

from importlib import import_module
from typing import Any

LATER = {"report": ("gradiente.report.trainer", "write_trainer_report")}


def later(name: str) -> Any:
    """The function of this name."""
    module, attribute = LATER[name]
    return getattr(import_module(module), attribute)
