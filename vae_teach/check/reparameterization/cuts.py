"""The check of `cut_off` (chapter 5): which parameters the reconstruction term does not reach.

The student's function is run on models that are broken in different places, and on one that is
not. A usual mistake is recognised by its answers on all of them.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_teach.check.engine.call import Fault, call
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict
from vae_teach.check.engine.words import kind
from vae_teach.models.elbo import Elbo, elbo_terms
from vae_teach.models.vae import VAE

HINTS = {
    "whole-loss": "You differentiate the whole loss, whose KL term reaches the encoder without z: "
    "use the reconstruction term alone.",
    "kl-term": "You differentiate the KL term: use the reconstruction term.",
    "only-none": "You look for gradients that are None, but torch.normal returns zeros: "
    "count a gradient of zeros as cut off too.",
    "only-zeros": "You look for gradients of zeros only: a parameter out of reach has grad None.",
    "stale-gradients": "You read a gradient that was left from before: set them all to None first.",
    "sum-for-presence": "You ask whether the sum of a gradient is 0, where plus and minus may "
    "cancel: ask whether every entry is 0.",
    "any-zero": "You ask whether some entry of a gradient is 0: a parameter is out of reach only "
    "if every entry is.",
    "one-entry": "You look at one entry of a gradient: a parameter is out of reach only if every "
    "entry is 0.",
    "threshold": "You count a small gradient as none: a parameter is out of reach only if every "
    "entry is exactly 0.",
    "no-spread": "You ask whether the entries of a gradient differ: ask whether every entry is 0.",
    "one-picture": "You look at one picture of the batch: another may reach a parameter that this "
    "one does not.",
    "always-empty": "You return no name for any model, also where z itself is detached: "
    "ask of each parameter whether its gradient is None or all zeros.",
    "weights-only": "You leave the biases out: they are parameters too.",
    "biases-only": "You leave the weights out: they are parameters too.",
    "reached-instead": "You list the parameters that are reached: return the others.",
    "everything": "You list every parameter: return those that no gradient reaches.",
    "no-names": "Return the names of the parameters, a list of strings as named_parameters gives.",
}


def _faint(slope: Tensor) -> Tensor:
    """A gradient that is small and is there, as far from the output of a deep network."""
    return 1e-9 * slope


def _even(slope: Tensor) -> Tensor:
    """A gradient whose entries are all alike, as that of a bias before a sum."""
    return torch.ones_like(slope)


def _balanced(slope: Tensor) -> Tensor:
    """A gradient that is not 0 and whose sum is, as that of pixels in balance would be."""
    return torch.ones_like(slope) - 2 * (torch.arange(len(slope)) % 2)


class BrokenVAE(VAE):
    """A small VAE whose z is cut off from one of its inputs, or from none."""

    def __init__(self, cut: str):
        # tanh: with relu a unit that is off by chance would look cut off
        super().__init__(6, (5,), 2, (5,), activation="tanh", seed=0)
        self.cut = cut
        *_, first, last = self.decoder.parameters()
        last.register_hook(_balanced)
        first.register_hook(_even if cut == "none" else _faint)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each (B, L)."""
        h = self.trunk(x)
        if self.cut == "trunk":
            h = h.detach()
        return self.to_mu(h), self.to_logvar(h)

    def elbo(self, x: Tensor, eps: Tensor) -> Elbo:
        """Both terms; what `cut` names takes no part in the graph of z."""
        mu, logvar = self.encode(x)
        where, spread = mu, torch.exp(0.5 * logvar)
        if self.cut == "normal":
            g = torch.Generator().manual_seed(0)
            z = torch.normal(where, spread, generator=g)  # in the graph, with slopes of zero
        else:
            if self.cut == "mu":
                where = where.detach()
            if self.cut == "logvar":
                spread = torch.exp(0.5 * logvar.data)
            z = where + spread * eps
            if self.cut == "z":
                z = torch.tensor(z.tolist())
        return elbo_terms(x, self.decode(z), mu, logvar, self.likelihood)


CUTS = {
    "z": "z is detached",
    "logvar": "logvar is detached",
    "mu": "mu is detached",
    "normal": "z comes from torch.normal",
    "trunk": "the input of both heads is detached",
    "none": "nothing is detached",
}


# The pixel that is black in every picture, as in the corners of the digits: no gradient reaches the
# weights from there, though it does reach the others of their tensor.
BLACK = {"none": 0, "mu": 3, "logvar": 5}


def _case(cut: str, *, stale: bool = True) -> dict[str, Any]:
    """A fresh model with gradients left over from another loss, a batch and a generator."""
    g = torch.Generator().manual_seed(1)
    model, x = BrokenVAE(cut), torch.rand(7, 6, generator=g)
    x[:, BLACK.get(cut, 0)] = 0
    if cut == "mu":  # the first picture and the last are all black, and reach no weight of layer 1
        x[[0, -1]] = 0
    if stale:
        torch.stack([p.square().sum() for p in model.parameters()]).sum().backward()
    return {"model": model, "x": x, "generator": g}


def _slopes(model: VAE, x: Tensor, generator: torch.Generator, terms: tuple) -> dict:
    loss = model.loss_terms(x, generator=generator)
    total = sum(loss[name] for name in terms).sum()
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(total, parameters, allow_unused=True)
    return dict(zip(names, found, strict=True))


def right(model: VAE, x: Tensor, generator: torch.Generator) -> set[str]:
    """Names whose gradient of the reconstruction term is None or all zeros."""
    slopes = _slopes(model, x, generator, ("reconstruction",))
    return {name for name, slope in slopes.items() if slope is None or not slope.any()}


def _with_terms(*terms: str) -> Callable[..., set[str]]:
    def answer(model: VAE, x: Tensor, generator: torch.Generator) -> set[str]:
        slopes = _slopes(model, x, generator, terms)
        return {name for name, slope in slopes.items() if slope is None or not slope.any()}

    return answer


def _only(wanted: Callable[[Tensor | None], bool]) -> Callable[..., set[str]]:
    def answer(model: VAE, x: Tensor, generator: torch.Generator) -> set[str]:
        slopes = _slopes(model, x, generator, ("reconstruction",))
        return {name for name, slope in slopes.items() if wanted(slope)}

    return answer


MISTAKES: dict[str, Callable[..., set[str]]] = {
    "whole-loss": _with_terms("reconstruction", "kl"),
    "kl-term": _with_terms("kl"),
    "only-none": _only(lambda slope: slope is None),
    "only-zeros": _only(lambda slope: slope is not None and not slope.any()),
    "sum-for-presence": _only(lambda slope: slope is None or bool(slope.sum() == 0)),
    "any-zero": _only(lambda slope: slope is None or not slope.all()),
    "threshold": _only(lambda slope: slope is None or bool(slope.abs().max() < 1e-6)),
    "no-spread": _only(lambda slope: slope is None or bool(slope.min() == slope.max())),
    "one-picture": lambda model, x, g: right(model, x[:1], g),
    "last-picture": lambda model, x, g: right(model, x[-1:], g),
    "one-entry": _only(lambda slope: slope is None or not slope.reshape(-1)[0]),
    "last-entry": _only(lambda slope: slope is None or not slope.reshape(-1)[-1]),
    "weights-only": lambda *args: {name for name in right(*args) if name.endswith("weight")},
    "biases-only": lambda *args: {name for name in right(*args) if name.endswith("bias")},
    "reached-instead": lambda *args: {n for n, _ in args[0].named_parameters()} - right(*args),
    "everything": lambda *args: {n for n, _ in args[0].named_parameters()},
}


def _names(result: Any, model: VAE) -> set[str]:
    if result is None:
        raise Fault("Your function returned None: is its `return` missing?")
    if not isinstance(result, (list, tuple, set, frozenset, type({}.keys()))):
        raise Fault(f"Your function returned {kind(result)}. {HINTS['no-names']}")
    known = {name for name, _ in model.named_parameters()}
    # isinstance first: a tensor is not hashable by value
    if not all(isinstance(name, str) and name in known for name in result):
        raise Fault(HINTS["no-names"])
    return set(result)


def _difference(got: set[str], want: set[str], cut: str) -> str:
    missing, extra = sorted(want - got), sorted(got - want)
    text = f"In the model where {CUTS[cut]}, "
    if missing:
        return f"{text}your answer lacks {missing[0]}, which no gradient reaches."
    return f"{text}your answer holds {extra[0]}, which a gradient does reach."


def _examine(student: Callable) -> None:
    gots, wants = {}, {}
    for cut in CUTS:
        args = _case(cut)
        gots[cut] = _names(call(student, "cut_off", args), args["model"])
        wants[cut] = right(*_case(cut).values())
    if gots == wants:
        return
    if not any(gots.values()):
        args = _case("z", stale=False)
        clean = _names(call(student, "cut_off", args), args["model"])
        raise Fault(HINTS["stale-gradients" if clean == wants["z"] else "always-empty"])
    for name, mistake in MISTAKES.items():
        if all(gots[cut] == mistake(*_case(cut).values()) for cut in CUTS):
            raise Fault(HINTS[name.replace("last-", "one-")])
    cut = next(cut for cut in CUTS if gots[cut] != wants[cut])
    raise Fault(_difference(gots[cut], wants[cut], cut))


@check(HINTS)
def cut_off(student: Callable) -> Verdict:
    """Check f(model, x, generator) -> names of the parameters the reconstruction never reaches.

    `model.loss_terms(x, generator=generator)` returns the terms "reconstruction" and "kl".
    """
    return deliver("cut_off", lambda: _examine(student))
