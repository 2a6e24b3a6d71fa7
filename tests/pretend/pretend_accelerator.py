"""A pretend accelerator: a device 'pretend' that computes on the CPU and is as strict as CUDA.

Once this is imported, `torch.accelerator.current_accelerator()` is 'pretend'. A tensor on it meets
a CPU tensor, a CPU generator, NumPy or matplotlib with the refusal that a CUDA tensor would meet,
and all numbers are the CPU's. So a machine without a GPU finds every place where devices are mixed.

It rests on `torch.utils.backend_registration._setup_privateuseone_for_python_backend`, which
PyTorch calls experimental; a new version of PyTorch may want a change here.
"""

import functools

import torch
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretend"


class _Module:
    """What PyTorch asks of `torch.pretend`."""

    is_available = is_initialized = staticmethod(lambda: True)
    _is_in_bad_fork = staticmethod(lambda: False)
    manual_seed_all = staticmethod(lambda seed: None)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    get_amp_supported_dtype = staticmethod(lambda: [torch.float32])
    get_rng_state = staticmethod(lambda device=None: torch.get_rng_state())
    set_rng_state = staticmethod(lambda state, device=None: torch.set_rng_state(state))


_setup_privateuseone_for_python_backend(NAME, _Module())
# Gradients are computed in the caller's thread: handing Python's lock to another one and back for
# every kernel takes as long again as the step.
torch.autograd.set_multithreading_enabled(False)
DEVICE = torch.device(NAME, 0)
CPU = torch.device("cpu")
COPY = torch.ops.aten.copy_.default
ADDMM, MM = torch.ops.aten.addmm.default, torch.ops.aten.mm.default
PLAIN = {int, float, bool, str, type(None), torch.dtype, torch.layout, torch.memory_format}
MAY_CROSS = {
    "aten::_to_copy",
    "aten::copy_",
    "aten::_copy_from",
    "aten::_local_scalar_dense",
    "aten::item",
}
_RealGenerator = torch.Generator
_own_generators = {}  # by address, kept alive: C++ hands a generator back as a new object


class PretendTensor(torch.Tensor):
    """A tensor that says it lives on DEVICE; `raw` is the CPU tensor that does the work."""

    @staticmethod
    def __new__(cls, raw):
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            raw.size(),
            strides=raw.stride(),
            storage_offset=raw.storage_offset(),
            dtype=raw.dtype,
            device=DEVICE,
        )
        tensor.raw = raw
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self, *args, **kwargs):
        raise TypeError(
            f"can't convert {DEVICE} device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )

    __array__ = numpy

    def __format__(self, spec):
        return format(self.item(), spec) if self.dim() == 0 else super().__format__(spec)


def _is_pretend(device):
    return device is not None and torch.device(device).type == NAME


def _wrong_generator(wanted, found):
    return f"Expected a '{wanted}' device type for generator but found '{found}'"


class _Call:
    """One call of an operation: its arguments with `raw` tensors, and what took part."""

    def __init__(self):
        self.tensors, self.cpu_array, self.generator = [], False, None

    def raw(self, value):
        kind = type(value)
        if kind is PretendTensor:
            self.tensors.append(value)
            return value.raw
        if kind in PLAIN:
            return value
        if kind is list or kind is tuple:
            return [self.raw(part) for part in value]
        if isinstance(value, torch.Tensor):
            self.cpu_array = self.cpu_array or value.dim() > 0  # CUDA lets a single number pass
        elif isinstance(value, _RealGenerator):
            self.generator = value
        elif kind is torch.device and value.type == NAME:
            return CPU
        return value


def _run(func, args, kwargs):
    """Refuse what CUDA would refuse, compute on the CPU, and hand back tensors of the device."""
    call = _Call()
    raw_args = [call.raw(value) for value in args]
    raw_kwargs = {name: call.raw(value) for name, value in kwargs.items()} if kwargs else {}
    if call.cpu_array and call.tensors and func.name().split(".")[0] not in MAY_CROSS:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{DEVICE} and cpu! ({func})"
        )
    target = kwargs.get("device") if kwargs else None
    stays = bool(call.tensors) if target is None else _is_pretend(target)
    if call.generator is not None and stays != (call.generator._cdata in _own_generators):
        raise RuntimeError(_wrong_generator(*((NAME, "cpu") if stays else ("cpu", NAME))))
    out = _product(func, *raw_args) if func in (ADDMM, MM) and not raw_kwargs else None
    if out is None:
        out = func(*raw_args, **raw_kwargs)
    if func is COPY:
        return args[0]

    return _wrapped(out, call.tensors, stays)


def _product(func, *args):
    """A matrix product by the library that the CPU's layers take, or None where they would not.

    Products are half of a training step, and PyTorch's own take twice the time on some CPUs.
    """
    from vae_teach.machine import products  # not while Python starts

    *bias, x, weight = args
    if x.dim() == 2 and all(b.dim() == 1 for b in bias) and products.suits(x, weight.t()):
        return products.onednn(x, weight.t(), *bias)
    return None


def _wrapped(value, taking_part, stays):
    """A result as the caller sees it: what was written in place is the tensor that was given."""
    if isinstance(value, list | tuple):
        return type(value)(_wrapped(part, taking_part, stays) for part in value)
    if not isinstance(value, torch.Tensor):
        return value
    for tensor in taking_part:
        if tensor.raw is value:
            return tensor
    return PretendTensor(value) if stays else value


_library = torch.library.Library("_", "IMPL")
_library.fallback(lambda func, *args, **kwargs: _run(func, args, kwargs), "PrivateUse1")


class Generator(_RealGenerator):
    """A CPU generator that counts as one of the pretend device if it was made for it."""

    def __new__(cls, device="cpu"):
        return _RealGenerator.__new__(cls, "cpu" if _is_pretend(device) else device)

    def __init__(self, device="cpu"):
        if _is_pretend(device):
            _own_generators[self._cdata] = self

    @property
    def device(self):
        return DEVICE if self._cdata in _own_generators else super().device


torch.Generator = Generator


_apply = torch.nn.Module._apply


def _keep_parameters(module, fn, recurse=True):
    """Move a module; its parameters stay the same objects, as on CUDA.

    PyTorch can only swap a parameter's inside while nothing else holds it, such as the graph of a
    step that an exception has ended; then new parameters take their place.
    """
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        return _apply(module, fn, recurse)
    except RuntimeError as error:
        if "Couldn't swap" not in str(error):
            raise
        torch.__future__.set_swap_module_params_on_conversion(False)
        return _apply(module, fn, recurse)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)


torch.nn.Module._apply = _keep_parameters


def _strict(make):
    """A function of torch that draws: without a tensor of DEVICE it never comes to `_run`."""

    @functools.wraps(make)
    def draw(*args, **kwargs):
        generator, device = kwargs.get("generator"), kwargs.get("device")
        if isinstance(generator, Generator) and generator.device == DEVICE:
            if not (_is_pretend(device) or any(type(a) is PretendTensor for a in args)):
                raise RuntimeError(_wrong_generator("cpu", NAME))
        return make(*args, **kwargs)

    return draw


for _name in ("rand", "randn", "randint", "randperm", "bernoulli", "multinomial", "normal"):
    setattr(torch, _name, _strict(getattr(torch, _name)))


def _on_any_device(make):
    """`torch.tensor` and its like build on the CPU, whatever the device, and move the result."""

    @functools.wraps(make)
    def build(*args, device=None, **kwargs):
        made = make(*args, **kwargs)
        return made if device is None else made.to(device)

    return build


torch.tensor = _on_any_device(torch.tensor)
torch.as_tensor = _on_any_device(torch.as_tensor)
