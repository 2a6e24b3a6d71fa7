"""The plain autoencoder of chapter 1.

Shapes: B batch, D pixels, L latent. A model knows its `config`, the arguments that rebuild it, so a
checkpoint needs nothing else.
"""

import torch
from torch import Tensor, nn

from vae_teach.models.layers import dense_chain, require_code, require_pixels, seeded_initialization
from vae_teach.validation import AT_LEAST_1, checked, require_floats


@checked(
    n_pixels=AT_LEAST_1, encoder_hidden=AT_LEAST_1, latent_dim=AT_LEAST_1, decoder_hidden=AT_LEAST_1
)
class Autoencoder(nn.Module):
    """z = encoder(x), x_hat = decoder(z): deterministic, trained on the squared error.

    `code_activation="tanh"` keeps every code in (-1, 1); None leaves it free. `seed` fixes the
    initial weights without touching the global random state.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (250,),
        latent_dim: int = 16,
        decoder_hidden: tuple[int, ...] = (320,),
        activation: str = "relu",
        code_activation: str | None = "tanh",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "encoder_hidden": tuple(encoder_hidden),
            "latent_dim": latent_dim,
            "decoder_hidden": tuple(decoder_hidden),
            "activation": activation,
            "code_activation": code_activation,
        }
        self.n_pixels, self.latent_dim = n_pixels, latent_dim
        with seeded_initialization(seed):
            self.encoder = dense_chain(
                (n_pixels, *encoder_hidden, latent_dim), activation, last=code_activation
            )
            self.decoder = dense_chain(
                (latent_dim, *decoder_hidden, n_pixels), activation, last="sigmoid"
            )

    def start_from_average(self, images: Tensor) -> None:
        """Set the output's biases so that code 0 decodes to about the average of images (N, D).

        Otherwise the first thing training learns is the average picture, by driving every tanh to
        its end, where the gradient is nearly 0. Source: Burda et al. 2016 (arXiv:1509.00519), code.
        """
        require_pixels(images, self.n_pixels)
        average = images.mean(dim=0).clamp(0.01, 0.99)
        self.decoder[-2].bias.data.copy_(torch.logit(average))

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds floats from 0 to 1."""
        require_floats(x, name, 0, 1, "as the decoder's pixels are")

    def encode(self, x: Tensor) -> Tensor:
        """Codes of shape (B, L) from pixels of shape (B, D)."""
        require_pixels(x, self.n_pixels, self.decoder[0].weight)
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Pixels in (0, 1) of shape (..., D) from codes of shape (..., L)."""
        require_code(z, self.latent_dim, self.decoder[0].weight)
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction of x, shape (B, D)."""
        return self.decode(self.encode(x))

    @checked
    def loss_terms(
        self, x: Tensor, *, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """The squared error summed over pixels, shape (B,). Nothing is drawn."""
        return {"squared_error": (self(x) - x).square().sum(dim=-1)}
