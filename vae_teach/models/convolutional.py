"""A variational autoencoder for pictures: convolutions around the two dense networks of `VAE`.

Shapes: B batch, D = C * H * W values, channel by channel, L latent. Pictures go in and out as rows.
"""

import math
from itertools import pairwise

from torch import Tensor, nn

from vae_teach.models.layers import (
    conv_block,
    dense_chain,
    make_activation,
    require_code,
    seeded_initialization,
)
from vae_teach.models.vae import VAE
from vae_teach.validation import AT_LEAST_1, checked

KERNEL = 3


@checked(image_shape=AT_LEAST_1, channels=AT_LEAST_1, hidden=AT_LEAST_1, latent_dim=AT_LEAST_1)
class ConvVAE(VAE):
    """The `VAE` whose trunk begins, and whose decoder ends, with convolutions.

    Encoder: for each entry of `channels` a 3x3 convolution with stride 2, which halves both sides;
    then dense layers of `hidden` units and the two heads. The decoder is its mirror image: dense
    layers, and for each entry enlarging by 2 and a 3x3 convolution, which leaves fewer artefacts
    than a transposed convolution does (Odena et al. 2016, doi:10.23915/distill.00003).
    """

    def __init__(
        self,
        image_shape: tuple[int, ...] = (28, 28),
        channels: tuple[int, ...] = (16, 32),
        hidden: tuple[int, ...] = (100,),
        latent_dim: int = 20,
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        seed: int | None = None,
    ):
        depth, height, width = _three(image_shape)
        if not channels:
            raise ValueError("channels is empty, but a convolution has at least one")
        if height % 2 ** len(channels) or width % 2 ** len(channels):
            raise ValueError(
                f"image_shape is {tuple(image_shape)}, but its sides are halved {len(channels)} "
                f"times, so {2 ** len(channels)} must divide both"
            )
        super().__init__(
            depth * height * width, hidden, latent_dim, hidden[::-1], activation, likelihood, seed
        )
        self.config = {
            "image_shape": tuple(image_shape),
            "channels": tuple(channels),
            "hidden": tuple(hidden),
            "latent_dim": latent_dim,
            "activation": activation,
            "likelihood": likelihood,
        }
        small = (channels[-1], height >> len(channels), width >> len(channels))
        with seeded_initialization(seed):
            down: list[nn.Module] = [nn.Unflatten(-1, (depth, height, width))]
            for a, b in pairwise((depth, *channels)):
                down += [*conv_block(a, b, KERNEL, stride=2), make_activation(activation)]
            self.trunk = nn.Sequential(
                *down,
                nn.Flatten(),
                *dense_chain((math.prod(small), *hidden), activation, last=activation),
            )
            up: list[nn.Module] = []
            for a, b in pairwise((*channels[::-1], depth)):
                block = [nn.Upsample(scale_factor=2), *conv_block(a, b, KERNEL)]
                up += [make_activation(activation), *block]
            self.decoder = nn.Sequential(
                *dense_chain((latent_dim, *hidden[::-1], math.prod(small)), activation),
                nn.Unflatten(-1, small),
                *up,
                nn.Flatten(),
            )

    def decode(self, z: Tensor) -> Tensor:
        """Parameters of p(x|z), shape (..., D), from z of shape (..., L)."""
        require_code(z, self.latent_dim, self.to_mu.weight)
        return self.decoder(z.reshape(-1, self.latent_dim)).reshape(*z.shape[:-1], -1)


@checked
def _three(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(C, H, W) of a shape that may be (H, W)."""
    if len(image_shape) not in (2, 3):
        raise ValueError(f"image_shape must be (H, W) or (C, H, W), but it is {image_shape}")
    depth, height, width = (1, *image_shape)[-3:]
    return depth, height, width
