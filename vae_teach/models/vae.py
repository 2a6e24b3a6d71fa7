"""The variational autoencoder, two dense networks.

Shapes: B batch, K Monte-Carlo draws, D pixels, H hidden, L latent.
"""

import torch
from torch import Tensor, nn

from vae_teach.machine.products import Linear
from vae_teach.maths.gaussian import reparameterize
from vae_teach.maths.noise import noise, noise_like
from vae_teach.models.elbo import Elbo, elbo_terms
from vae_teach.models.latent import GaussianCodes
from vae_teach.models.layers import dense_chain, require_code, require_pixels, seeded_initialization
from vae_teach.models.likelihoods import make_likelihood
from vae_teach.validation import AT_LEAST_1, NOT_NEGATIVE, checked


@checked(
    n_pixels=AT_LEAST_1, encoder_hidden=AT_LEAST_1, latent_dim=AT_LEAST_1, decoder_hidden=AT_LEAST_1
)
class VAE(GaussianCodes, nn.Module):
    """q(z|x) = N(mu(x), diag(sigma(x)^2)), p(z) = N(0, I), p(x|z) by `likelihood`.

    The encoder is also called inference or recognition network, the decoder generative network.
    One trunk feeds both heads of the encoder, so mu and logvar see the same features. `seed`
    fixes the initial weights without touching the global random state.
    """

    def __init__(
        self,
        n_pixels: int = 784,
        encoder_hidden: tuple[int, ...] = (400,),
        latent_dim: int = 20,
        decoder_hidden: tuple[int, ...] = (400,),
        activation: str = "relu",
        likelihood: str | dict = "bernoulli",
        seed: int | None = None,
    ):
        super().__init__()
        self.config = {
            "n_pixels": n_pixels,
            "encoder_hidden": tuple(encoder_hidden),
            "latent_dim": latent_dim,
            "decoder_hidden": tuple(decoder_hidden),
            "activation": activation,
            "likelihood": likelihood,
        }
        self.n_pixels, self.latent_dim = n_pixels, latent_dim
        self.likelihood = make_likelihood(likelihood)
        if not encoder_hidden:
            raise ValueError("encoder_hidden is empty, but the two heads need a hidden layer")
        with seeded_initialization(seed):
            self.trunk = dense_chain((n_pixels, *encoder_hidden), activation, last=activation)
            self.to_mu = Linear(encoder_hidden[-1], latent_dim)
            self.to_logvar = Linear(encoder_hidden[-1], latent_dim)
            self.decoder = dense_chain((latent_dim, *decoder_hidden, n_pixels), activation)

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless the likelihood can score x."""
        self.likelihood.require_data(x, name)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar of q(z|x), each (B, L), from x (B, D)."""
        require_pixels(x, self.n_pixels, self.to_mu.weight)
        h = self.trunk(x)  # (B, H)
        return self.to_mu(h), self.to_logvar(h)

    def decode(self, z: Tensor) -> Tensor:
        """Parameters of p(x|z), shape (..., D), from z of shape (..., L); logits for Bernoulli."""
        require_code(z, self.latent_dim, self.to_mu.weight)
        return self.decoder(z)

    def mean_image(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), shape (..., D), from z of shape (..., L)."""
        return self.likelihood.mean(self.decode(z))

    def elbo(self, x: Tensor, eps: Tensor) -> Elbo:
        """Both terms per example from x (B, D) and noise eps (B, L), or (K, B, L) for K draws."""
        mu, logvar = self.encode(x)
        z = reparameterize(mu, logvar, eps)
        return elbo_terms(x, self.decode(z), mu, logvar, self.likelihood)

    @checked
    def loss_terms(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """What `fit` minimises, in nats per example: reconstruction + kl = -ELBO, each (B,)."""
        eps = noise((len(x), self.latent_dim), self.to_mu.weight, generator)
        elbo = self.elbo(x, eps)
        return {"reconstruction": -elbo.log_likelihood, "kl": elbo.kl}

    @checked
    def reconstruct(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Mean image of x's code: of z = mu, or of one draw z ~ q(z|x) if a generator is given."""
        mu, logvar = self.encode(x)
        if generator is None:
            return self.mean_image(mu)
        return self.mean_image(reparameterize(mu, logvar, noise_like(mu, generator)))

    @checked(n=NOT_NEGATIVE)
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Mean images of n draws from the prior, shape (n, D). The encoder is not used."""
        return self.mean_image(noise((n, self.latent_dim), self.to_mu.weight, generator))
