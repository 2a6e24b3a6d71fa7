"""The networks of a conditional model as steps for the browser: decoder, prior, regressor.

Shapes: L latent, C condition, D pixels. The decoder takes [z, c].
"""

import torch
from torch import Tensor, nn

from vae_teach.models.conditional import CVAE, Regressor, join
from vae_teach.widgets.parts.decoder import Step, export_decoder, pixels_ending


def decoder_steps(model: CVAE) -> list[Step]:
    """Steps from [z, c] to pixels in [0, 1].

    Raises:
        TypeError: if the model is not a dense CVAE.
        ValueError: if there is no condition, its decoder sees none, or its pixels are not those of
            `mean_image`.
    """
    if not isinstance(model, CVAE):
        raise TypeError(f"the browser runs a CVAE of dense layers, not a {type(model).__name__}")
    if model.condition_size < 1:
        raise ValueError(f"the model has no condition: condition_size is {model.condition_size}")
    if not model.decoder_sees:
        raise ValueError("the decoder sees no condition: condition_in must be 'decoder' or 'both'")
    generator = torch.Generator().manual_seed(0)
    device = _device(model)
    z = torch.randn(8, model.latent_dim, generator=generator).to(device)
    c = torch.rand(8, model.condition_size, generator=generator).to(device)
    with torch.no_grad():
        outputs, pixels = model.decoder(join(z, c)), model.mean_image(z, c)
    return pixels_ending(export_decoder(model.decoder), outputs, pixels)


def prior_steps(model: CVAE) -> list[Step]:
    """Steps from c to [mu, logvar] of p(z|c); none if the prior is N(0, I)."""
    return export_decoder(model.prior_net) if model.has_learned_prior else []


@torch.no_grad()
def prior_at(model: CVAE, c: Tensor) -> tuple[Tensor, Tensor]:
    """mu and logvar of p(z|c) on the CPU, each (..., L), for a condition (..., C)."""
    mu, logvar = model.prior(c.to(_device(model)))
    return mu.cpu(), logvar.cpu()


def regressor_steps(model: Regressor) -> list[Step]:
    """Steps from c to pixels in [0, 1].

    Raises:
        TypeError: if the model is not a `Regressor`.
        ValueError: if its pixels are not those of `mean_image`.
    """
    if not isinstance(model, Regressor):
        raise TypeError(
            f"the browser runs a Regressor of dense layers, not a {type(model).__name__}"
        )
    c = torch.rand(8, model.condition_size, generator=torch.Generator().manual_seed(0))
    c = c.to(_device(model))
    with torch.no_grad():
        outputs, pixels = model.net(c), model.mean_image(c)
    return pixels_ending(export_decoder(model.net), outputs, pixels)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
