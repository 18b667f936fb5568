"""A few values that are expensive to make, kept by what they were made of."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from gradiente.base.fork import renew_in_children

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The values found last, at most `most` of them; threads may share it.

    A value is made outside of the lock: two threads that miss the same one at once both make it,
    and the later takes the place of the earlier. So values must not be changed once they are made.
    """

    def __init__(self, most: int):
        self.most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """A lock that nobody holds."""
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def find(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """The value of a key, made if it is not there; and whether it was."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key], True
        value = make()
        with self._lock:
            self._values[key] = value
            if len(self._values) > self.most:
                self._values.popitem(last=False)
        return value, False

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()
