"""A recording as CUDA's graph is one, on the CPU: kernels and addresses, nothing of Python.

`record` runs the work once to see its kernels and puts every number back that they changed, since
a capture runs nothing. `replay` runs the kernels again on the same tensors.
"""

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

WAITS = {"aten::_local_scalar_dense", "aten::item", "aten::nonzero", "aten::equal"}


class RecordedOps:
    """What `steps.RECORDINGS` makes for a device."""

    def __init__(self, generator):
        self.generator, self.kernels, self.replays = generator, [], 0
        self.recording = False

    def aside(self, work):
        return work()

    def record(self, work):
        noise, self.recording = self.generator.get_state(), True
        try:
            with _Listen() as listener:
                work()
        finally:
            self.recording = False
        self.generator.set_state(noise)
        for tensor, value in reversed(listener.before):
            tensor.detach().copy_(value)
        self.kernels = listener.kernels

    @torch.no_grad()
    def replay(self):
        self.replays += 1
        for func, args, kwargs, out in self.kernels:
            again = func(*args, **kwargs)
            for old, new in zip(tree_flatten(out)[0], tree_flatten(again)[0], strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class _Listen(TorchDispatchMode):
    """Notes every kernel, and what it writes over; refuses to wait for a number, as a capture."""

    def __init__(self):
        super().__init__()
        self.kernels, self.before = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.name().split(".")[0]
        if name in WAITS:
            raise RuntimeError("operation not permitted when stream is capturing")
        args, kwargs = tree_map(
            lambda t: t.detach() if isinstance(t, Tensor) else t, (args, kwargs)
        )
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                written = [t for t in tree_flatten(value)[0] if isinstance(t, Tensor)]
                self.before += [(t, t.clone()) for t in written]
        out = func(*args, **kwargs)
        self.kernels.append((func, args, kwargs, out))
        return out
