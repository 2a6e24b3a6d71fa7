"""The conditional systems of the sources, layer for layer: mathybit's label CVAE, Doersch's pair.

Shapes: B batch, D pixels, C condition, L latent. Parameter counts are asserted in the tests.
"""

import math

import torch
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.models.conditional import Regressor, join
from vae_teach.models.conditional_base import ConditionalModel, require_condition
from vae_teach.models.layers import dense_chain, require_code, require_pixels, seeded_initialization
from vae_teach.models.likelihoods import Bernoulli, Gaussian
from vae_teach.systems.initialization import initialize


def _same_conv(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel_size=5, padding="same")


class LabelConvCVAE(ConditionalModel):
    """mathybit's `k_cvae0`: a convolutional CVAE on 28 x 28 digits whose decoder sees the label.

    His encoder never sees it; `label_in_encoder=True` is the other variant that he names. Trained
    with Adam in batches of 250 for 50 epochs on the sum of squared errors + KL, which is a Gaussian
    with sigma_x^2 = 1/2 up to a constant. 410,518 + 208,473 parameters.
    """

    positive = "half-logvar"  # what the second head is, as `GaussianPosterior` has it

    def __init__(self, label_in_encoder: bool = False, seed: int | None = None):
        super().__init__()
        self.config = {"label_in_encoder": label_in_encoder}
        self.latent_dim, self.condition_size = 10, 10
        self.likelihood = Gaussian(math.sqrt(0.5))
        self.label_in_encoder = label_in_encoder
        with seeded_initialization(seed):
            self.features = nn.Sequential(
                nn.Unflatten(-1, (1, 28, 28)),
                *(_same_conv(1, 16), nn.ReLU(), nn.MaxPool2d(2)),
                *(_same_conv(16, 32), nn.ReLU(), nn.MaxPool2d(2)),
                nn.Flatten(),
            )
            self.dense = nn.Sequential(Linear(1568 + 10 * label_in_encoder, 250), nn.ReLU())
            self.to_mu, self.to_logvar = Linear(250, 10), Linear(250, 10)
            self.decoder = nn.Sequential(
                dense_chain((20, 120, 1568), "relu", last="relu"),
                nn.Unflatten(-1, (32, 7, 7)),
                *(nn.Upsample(scale_factor=2), _same_conv(32, 16), nn.ReLU()),
                *(nn.Upsample(scale_factor=2), _same_conv(16, 8), nn.ReLU()),
                *(_same_conv(8, 1), nn.Sigmoid()),
                nn.Flatten(),
            )
        initialize(self, "glorot-uniform", seed)  # Keras's own

    def encode(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, each (B, 10), from x (B, 784) and one-hot c (B, 10)."""
        require_condition(c, self.condition_size)
        require_pixels(x, 784)
        h = self.features(x)
        h = self.dense(join(h, c) if self.label_in_encoder else h)
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Pixels in (0, 1), (..., 784), from z (..., 10) and c (..., 10)."""
        require_condition(c, self.condition_size)
        require_code(z, self.latent_dim)
        both = join(z, c)
        pixels = self.decoder(both.reshape(-1, 20))  # a convolution takes one leading axis
        return pixels.reshape(*both.shape[:-1], 784)


def _tower() -> nn.ModuleDict:
    """What Doersch's two networks make of the column, in the pieces that he taps."""
    return nn.ModuleDict(
        {
            "input2": nn.Sequential(Linear(28, 1000), nn.ReLU(), Linear(1000, 500)),
            "input4": nn.Sequential(nn.ReLU(), Linear(500, 250), nn.ReLU(), Linear(250, 250)),
        }
    )


class ColumnCVAE(ConditionalModel):
    """Doersch's CVAE: 27 grey columns (756 pixels) given one binary column of 28.

    The column enters by two sums, each before a ReLU: its second layer into the encoder's second
    one, its fourth into the decoder's first. As in his network, mu reads the encoder's last layer
    after the ReLU and log sigma before it. 3,506,316 parameters.
    """

    positive, scale_head = "exp", "before"

    def __init__(self, seed: int | None = None):
        super().__init__()
        self.config: dict = {}
        self.latent_dim, self.condition_size = 30, 28
        self.likelihood = Bernoulli()
        with seeded_initialization(seed):
            self.tower = _tower()
            self.encode2 = nn.Sequential(Linear(756, 1000), nn.ReLU(), Linear(1000, 500))
            self.encode3 = Linear(500, 250)
            self.to_mu, self.to_log_sigma = Linear(250, 30), Linear(250, 30)
            self.decode1 = Linear(30, 250)
            self.decode4 = dense_chain((250, 500, 1000, 756), "relu")
        dense = (self.to_mu, self.to_log_sigma, [*self.tower["input4"].children()][-1])
        initialize(self, "caffe-sparse", seed, heads=dict.fromkeys(dense, "caffe-dense"))

    def encode(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, each (B, 30), from x (B, 756) and c (B, 28)."""
        require_condition(c, self.condition_size)
        require_pixels(x, 756)
        h = self.encode3(torch.relu(self.encode2(x) + self.tower["input2"](c)))
        return self.to_mu(torch.relu(h)), 2 * self.to_log_sigma(h)

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        """Logits (..., 756) from z (..., 30) and c (..., 28)."""
        require_condition(c, self.condition_size)
        require_code(z, self.latent_dim)
        condition = self.tower["input4"](self.tower["input2"](c))
        return self.decode4(torch.relu(self.decode1(z) + condition))


class ColumnRegressor(Regressor):
    """Doersch's regressor: his CVAE without the encoder and without z. 2,100,756 parameters."""

    def __init__(self, seed: int | None = None):
        hidden = (1000, 500, 250, 250, 500, 1000)
        super().__init__(756, 28, hidden, "relu", "bernoulli", seed=seed)
        self.config = {}
        initialize(self, "caffe-sparse", seed, heads={self.net[6]: "caffe-dense"})
