"""Bits back: binary pictures coded with a VAE, at the price of the negative bound.

The sender draws the code z of a picture by *popping* it from the message with the table of q(z|x).
That makes the message shorter. Then the picture is pushed with p(x|z) and z with the prior. The
receiver goes the same way back; once the picture is known it pushes z with q(z|x), which restores
the popped part. Net, in bits on average: E_q[log2 q(z|x) - log2 p(z) - log2 p(x|z)].

Latents are cut into bins of equal mass under the prior. Sender and receiver must compute the same
tables to the last place, so the numbers hold between equal programs on equal machines only.
Shapes: D pixels, L latents. Source: Townsend et al. 2019, arXiv:1901.04866.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_teach.coding.ans import Table, pop, push, table_of
from vae_teach.models.latent import LatentModel
from vae_teach.models.likelihoods import Bernoulli
from vae_teach.validation import kind, require_count


class Bill(NamedTuple):
    """What one picture costs, in bits."""

    latents: float  # of z under the prior
    pixels: float  # of x given z
    back: float  # of z under q(z|x), which carried a part of the message

    @property
    def net(self) -> float:
        """By how much the message has grown: latents + pixels - back."""
        return self.latents + self.pixels - self.back


class BitsBack:
    """A coder of binary pictures (D,) from a VAE with a Bernoulli likelihood.

    Args:
        model: any `LatentModel` whose q(z|x) is the Gaussian that `encode` returns.
        bins: of each latent, with equal mass under the prior.

    Raises:
        ValueError: for another likelihood, another q, or fewer than two bins.
    """

    def __init__(self, model: LatentModel, *, bins: int = 1024):
        if not isinstance(getattr(model, "likelihood", None), Bernoulli):
            found = kind(getattr(model, "likelihood", None))
            raise ValueError(
                f"model must have a Bernoulli likelihood, but its likelihood is {found}"
            )
        if not model.has_closed_kl:
            raise ValueError("model must have the Gaussian q(z|x) that encode returns, but has not")
        require_count(bins, "bins", 2, 2**16)
        self.model, self.bins = model, bins
        steps = torch.arange(bins + 1, dtype=torch.float64) / bins
        self._edges = torch.special.ndtri(steps)  # from -inf to inf
        self._middles = torch.special.ndtri((steps[:-1] + steps[1:]) / 2)
        self._prior: Table = tuple(range(bins + 1))

    def encode(self, number: int, x: Tensor) -> tuple[int, Bill]:
        """Push one picture (D,) onto the message.

        Returns:
            The longer number, and what the picture costs.

        Raises:
            ValueError: if the number is negative, or a pixel neither 0 nor 1.
        """
        _require_message(number)
        _require_binary(x)
        if x.ndim != 1:
            raise ValueError(f"x must be one picture (D,), but its shape is {tuple(x.shape)}")
        posterior = self._posterior(x)
        places = []
        for table in posterior:
            place, number = pop(number, table)
            places.append(place)
        pixels = self._pixels(places)
        ink = x.long().tolist()
        for symbol, table in zip(ink, pixels, strict=True):
            number = push(number, symbol, table)
        for place in places:
            number = push(number, place, self._prior)
        bill = Bill(
            len(places) * math.log2(self.bins), _bits(ink, pixels), _bits(places, posterior)
        )
        return number, bill

    def decode(self, number: int) -> tuple[Tensor, int]:
        """Pop the picture (D,) that was pushed last, and give back the message before it.

        Raises:
            ValueError: if the number is negative.
        """
        _require_message(number)
        places: list[int] = []
        for _ in range(self.model.latent_dim):
            place, number = pop(number, self._prior)
            places.insert(0, place)
        ink: list[int] = []
        for table in reversed(self._pixels(places)):
            symbol, number = pop(number, table)
            ink.insert(0, symbol)
        x = torch.tensor(ink, dtype=torch.get_default_dtype())
        for place, table in reversed(list(zip(places, self._posterior(x), strict=True))):
            number = push(number, place, table)
        return x, number

    def encode_all(self, number: int, images: Tensor) -> tuple[int, list[Bill]]:
        """Push pictures (N, D), one after the other. Each is the message that the next draws from.

        Raises:
            ValueError: as `encode`, before anything is coded.
        """
        _require_binary(images)
        if images.ndim != 2:
            found = tuple(images.shape)
            raise ValueError(f"images must be pictures (N, D), but their shape is {found}")
        bills = []
        for x in images:
            number, bill = self.encode(number, x)
            bills.append(bill)
        return number, bills

    def decode_all(self, number: int, n: int) -> tuple[Tensor, int]:
        """Pop the last n pictures, returned in the order in which they were pushed, (n, D).

        Raises:
            ValueError: if the number is negative or n below 1.
        """
        require_count(n, "n")
        found: list[Tensor] = []
        for _ in range(n):
            x, number = self.decode(number)
            found.insert(0, x)
        return torch.stack(found), number

    @torch.no_grad()
    def _posterior(self, x: Tensor) -> list[Table]:
        """A table over the bins for each latent of one picture."""
        like = next(iter(self.model.parameters()))  # type: ignore[attr-defined]  # it is a module
        mu, logvar = (t[0].cpu().double() for t in self.model.encode(x[None].to(like)))
        standard = (self._edges - mu[:, None]) / (logvar / 2).exp()[:, None]
        return table_of(torch.special.ndtr(standard))

    @torch.no_grad()
    def _pixels(self, places: list[int]) -> list[Table]:
        """A table over (0, 1) for each pixel, given the bins of the latents."""
        like = next(iter(self.model.parameters()))  # type: ignore[attr-defined]  # it is a module
        z = self._middles[torch.tensor(places)].to(like)
        logits = self.model.decode(z[None])[0].cpu().double()
        zero = torch.sigmoid(-logits)
        return table_of(torch.stack([torch.zeros_like(zero), zero, torch.ones_like(zero)], dim=1))


def _require_binary(x: Tensor) -> None:
    if not (isinstance(x, Tensor) and ((x == 0) | (x == 1)).all()):
        raise ValueError(f"a picture must be a tensor of 0 and 1, but it is {kind(x)}")


def _bits(symbols: list[int], tables: list[Table]) -> float:
    return sum(
        math.log2(table[-1] / (table[symbol + 1] - table[symbol]))
        for symbol, table in zip(symbols, tables, strict=True)
    )


def _require_message(number: int) -> None:
    require_count(number, "number", 0)
