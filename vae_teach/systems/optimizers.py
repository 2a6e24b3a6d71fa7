"""The optimizers of the sources, where PyTorch's own of the same name differ from them.

Both classes minimise. A gradient hook or a schedule is hung on with `clip_by_value` and `staged`.
"""

import functools
import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from vae_teach.training.adam import Adam
from vae_teach.validation import NOT_NEGATIVE, POSITIVE, Range, checked


class FromOnes(torch.optim.Optimizer):
    """Keeps a running mean of squared gradients per weight that starts at 1, not at 0."""

    def _slots(self, parameter: Tensor) -> dict:
        slots = self.state[parameter]
        if not slots:
            slots["step"] = torch.tensor(0.0)
            slots["square_avg"] = torch.ones_like(parameter)
        return slots

    @torch.no_grad()
    def step(  # type: ignore[override]  # torch states it by two overloads
        self, closure: Callable[[], Tensor] | None = None
    ) -> Tensor | None:
        """Move every parameter that has a gradient once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group, self._slots(parameter))
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict, slots: dict) -> None:
        raise NotImplementedError


@checked(lr=NOT_NEGATIVE, eps=NOT_NEGATIVE, decay=Range(0, 1))
class RMSpropTF(FromOnes):
    """TensorFlow 1's RMSProp: epsilon inside the root, decay 0.9, mean square starting at 1.

    PyTorch's adds epsilon outside, decays by 0.99 and starts at 0. lazyprogrammer's Theano twin
    writes the same equations out by hand.
    """

    steps_alike = True  # the count of steps enters no number, so a step may be recorded

    def __init__(self, parameters, lr: float = 1e-3, decay: float = 0.9, eps: float = 1e-10):
        super().__init__(parameters, {"lr": lr, "decay": decay, "eps": eps})

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict, slots: dict) -> None:
        slots["step"] += 1
        mean_square = slots["square_avg"]
        mean_square.lerp_(gradient.square(), 1 - group["decay"])
        parameter.addcdiv_(gradient, (mean_square + group["eps"]).sqrt(), value=-group["lr"])


@checked(lr=NOT_NEGATIVE, eps=NOT_NEGATIVE)
class AdamBurda(FromOnes):
    """The Adam of the importance-weighted autoencoder's authors.

    beta_1 = 0.99, epsilon = 1e-4 outside the root and after the bias correction is folded into the
    learning rate, second moment starting at 1 although the correction assumes 0.

    Source: the file optimizers.py of Burda et al. 2016's repository (github.com/yburda/iwae).
    """

    def __init__(self, parameters, lr: float = 1e-3, betas=(0.99, 0.999), eps: float = 1e-4):
        super().__init__(parameters, {"lr": lr, "betas": tuple(betas), "eps": eps})

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict, slots: dict) -> None:
        slots["step"] += 1
        if "exp_avg" not in slots:
            slots["exp_avg"] = torch.zeros_like(parameter)
        (beta_1, beta_2), step = group["betas"], slots["step"].item()
        slots["exp_avg"].lerp_(gradient, 1 - beta_1)
        slots["square_avg"].lerp_(gradient.square(), 1 - beta_2)
        rate = group["lr"] * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        parameter.addcdiv_(slots["exp_avg"], slots["square_avg"].sqrt() + group["eps"], value=-rate)


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "Adam": functools.partial(Adam, fused=True),  # one pass over the weights instead of eight
    "RMSprop": torch.optim.RMSprop,
    "RMSpropTF": RMSpropTF,
    "AdamBurda": AdamBurda,
}


@checked(weight_decay=NOT_NEGATIVE)
def split_decay(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict]:
    """Two parameter groups: weights with `weight_decay`, biases and scalars without."""
    parameters = list(parameters)
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


@checked(limit=POSITIVE)
def clip_by_value(optimizer: torch.optim.Optimizer, limit: float) -> None:
    """Before every step, cut each element of each gradient to [-limit, limit]."""

    def clip(optimizer, args, kwargs):
        # not nn.utils.clip_grad_value_, which fails where no parameter has a gradient
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.clamp_(-limit, limit)

    # so `fit` may record a step; `staged` looks at the count of steps
    clip.steps_alike = True  # type: ignore[attr-defined]  # functions may carry attributes
    optimizer.register_step_pre_hook(clip)


@checked(step=NOT_NEGATIVE)
def lr_at(stages: list[tuple[int, float]], step: int) -> float:
    """The learning rate of the step after `step` steps were made."""
    for length, lr in stages:
        if step < length:
            return lr
        step -= length
    return stages[-1][1]


def staged(optimizer: torch.optim.Optimizer, stages: Iterable[tuple[int, float]]) -> None:
    """Before every step, set lr to that of the stage the step falls in.

    Args:
        optimizer: its own count of steps decides, so a resumed run goes on in the right stage.
        stages: (number of steps, lr), in order; the last lr holds for all later steps.
    """
    stages = list(stages)

    def set_lr(optimizer, args, kwargs):
        slots: dict[str, Tensor] = next(iter(optimizer.state.values()), {})
        lr = lr_at(stages, int(slots["step"]) if slots else 0)
        for group in optimizer.param_groups:
            group["lr"] = lr

    optimizer.register_step_pre_hook(set_lr)


@checked(weight_decay=NOT_NEGATIVE, clip=POSITIVE)
def make_optimizer(
    parameters: Iterable[nn.Parameter],
    name: str,
    *,
    weight_decay: float = 0.0,
    clip: float | None = None,
    stages: Iterable[tuple[int, float]] | None = None,
    **options,
) -> torch.optim.Optimizer:
    """Build the optimizer called `name` with the extras that a source adds.

    Args:
        parameters: of the model.
        name: a key of `OPTIMIZERS`.
        weight_decay: L2 inside the gradient, on weights only.
        clip: largest absolute gradient element.
        stages: see `staged`.
        options: for the class itself, such as lr.

    Raises:
        ValueError: for a name that is not in `OPTIMIZERS`.
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"optimizer is {name!r}, but the known ones are {sorted(OPTIMIZERS)}")
    groups = split_decay(parameters, weight_decay) if weight_decay else parameters
    optimizer = OPTIMIZERS[name](groups, **options)
    if clip is not None:
        clip_by_value(optimizer, clip)
    if stages is not None:
        staged(optimizer, stages)
    return optimizer
