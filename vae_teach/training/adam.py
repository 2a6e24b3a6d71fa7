"""PyTorch's Adam without PyTorch's compiler."""

import inspect

import torch


class Adam(torch.optim.Adam):
    """`torch.optim.Adam`, the same to the last bit.

    Wrappers around its methods keep `torch.compile` out of them, and for that import the compiler
    at the first call: 800 modules, 2 seconds of every program that trains. They are left off here,
    so that a step of this class must not be compiled.
    """

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
