"""A disk that fails: the n-th of its operations raises, or ends the program, for every n."""

import errno
import os

OPERATIONS = ("write", "fsync", "replace", "unlink", "chmod", "mkdir")


class Crash(BaseException):
    """The machine stops: nothing after this happens, not even what cleans up."""


class Disk:
    """Counts operations of the module `os`, and lets the n-th fail; a crashed one stays so.

    monkeypatch: of pytest. short: whether a write takes only a part of what it is given.
    """

    def __init__(self, monkeypatch, *, fails=None, error=None, short=False):
        self.done = 0
        self.fails = fails
        self.error = error or OSError(errno.EIO, "Input/output error")
        self.short = short
        for name in OPERATIONS:
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name, operation):
        def counted(*args, **options):
            self.done += 1
            crashed = isinstance(self.error, Crash) and self.fails is not None
            if self.done == self.fails or (crashed and self.done > self.fails):
                if name == "write" and self.short:
                    operation(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise self.error
            if name == "write" and self.short:
                return operation(args[0], bytes(args[1])[: len(args[1]) // 3 + 1])
            return operation(*args, **options)

        return counted
