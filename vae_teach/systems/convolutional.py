"""A convolutional autoencoder: mathybit's k_auto_conv1, layer for layer.

Shapes: B batch, D = side * side pixels, L latent. Pictures go in and out as rows of D pixels.
"""

from torch import Generator, Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.models.layers import (
    conv_block,
    require_code,
    require_pixels,
    seeded_initialization,
)
from vae_teach.systems.initialization import initialize
from vae_teach.validation import AT_LEAST_1, checked, require_floats


@checked(side=AT_LEAST_1, latent_dim=AT_LEAST_1)
class ConvAutoencoder(nn.Module):
    """Two convolutions with pooling to a code in (-1, 1); dense layers and three convolutions back.

    Encoder: 5x5x4, pool, 5x5x8, pool, dense 150, code. Decoder: dense 120, 320, 16 maps of a
    quarter of the side, twice enlarged, convolutions 5x5x8, 6x6x4, 7x7x1.
    """

    def __init__(
        self,
        side: int = 28,
        latent_dim: int = 16,
        initialization: str = "glorot-uniform",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {"side": side, "latent_dim": latent_dim, "initialization": initialization}
        if side % 4:
            raise ValueError(f"side is {side}, but it is halved twice, so 4 must divide it")
        self.side, self.latent_dim, small = side, latent_dim, side // 4
        with seeded_initialization(seed):
            self.encoder = nn.Sequential(
                nn.Unflatten(-1, (1, side, side)),
                *conv_block(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2),
                *conv_block(4, 8, 5), nn.ReLU(), nn.MaxPool2d(2),
                nn.Flatten(),
                Linear(8 * small * small, 150), nn.ReLU(),
                Linear(150, latent_dim), nn.Tanh(),
            )  # fmt: skip
            self.decoder = nn.Sequential(
                Linear(latent_dim, 120), nn.ReLU(),
                Linear(120, 320), nn.ReLU(),
                Linear(320, 16 * small * small), nn.ReLU(),
                nn.Unflatten(-1, (16, small, small)),
                nn.Upsample(scale_factor=2), *conv_block(16, 8, 5), nn.ReLU(),
                nn.Upsample(scale_factor=2), *conv_block(8, 4, 6), nn.ReLU(),
                *conv_block(4, 1, 7), nn.Sigmoid(),
                nn.Flatten(),
            )  # fmt: skip
        initialize(self, initialization, seed)

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless x holds floats from 0 to 1."""
        require_floats(x, name, 0, 1, "as the decoder's pixels are")

    def encode(self, x: Tensor) -> Tensor:
        """Codes in (-1, 1), shape (B, L), from pixels of shape (B, D)."""
        require_pixels(x, self.side**2, next(self.decoder.parameters()))
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Pixels in (0, 1) of shape (..., D) from codes of shape (..., L)."""
        require_code(z, self.latent_dim, next(self.decoder.parameters()))
        return self.decoder(z.reshape(-1, self.latent_dim)).reshape(*z.shape[:-1], -1)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction of x, shape (B, D)."""
        return self.decode(self.encode(x))

    @checked
    def loss_terms(self, x: Tensor, *, generator: Generator | None = None) -> dict[str, Tensor]:
        """The squared error summed over pixels, shape (B,). Nothing is drawn."""
        return {"squared_error": (self(x) - x).square().sum(dim=-1)}
