"""The importance-weighted bound as an objective of `fit`.

Shapes: B batch, K draws, D pixels. Nats.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from vae_teach.evaluate.weights import log_weights
from vae_teach.maths.noise import noise
from vae_teach.models.latent import require_encoder
from vae_teach.models.posterior import Stratified
from vae_teach.models.registry import build_model
from vae_teach.validation import AT_LEAST_1, checked


@checked(k=AT_LEAST_1)
class ImportanceWeighted(nn.Module):
    """A model to be trained by L_K, for `fit`: K = 1 is the ELBO with its KL sampled.

    The weights are those of the model it holds, so `fit(ImportanceWeighted(model, 5), ...)` trains
    `model`, which is judged by itself afterwards.

    Args:
        model: a `vae_teach.models.LatentModel`, such as a VAE.
        k: draws for each picture.

    Raises:
        ValueError: if q is a mixture, whose draws have no gradient by its shares.

    Source: Burda et al. 2016 (arXiv:1509.00519), Eqs. 8 and 14.
    """

    model: Any  # a LatentModel

    def __init__(self, model: nn.Module, k: int):
        super().__init__()
        require_encoder(model)
        if isinstance(getattr(model, "posterior", None), Stratified):
            raise ValueError(
                f"the q(z|x) of {type(model).__name__} is a mixture, whose draws have no gradient "
                "by its shares: train it by its own elbo"
            )
        self.model, self.k = model, k
        name, config = type(model).__name__, getattr(model, "config", {})
        self.config = {"model": name, "model_config": config, "k": k}

    @classmethod
    @checked
    def from_config(cls, model: str, model_config: dict, k: int) -> "ImportanceWeighted":
        """Rebuild it from its `config`."""
        return cls(build_model(model, model_config), k)

    def require_data(self, x: Tensor, name: str = "x") -> None:
        """Raise a ValueError that names `name` unless the likelihood can score x."""
        self.model.likelihood.require_data(x, name)

    @checked
    def loss_terms(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """-L_K of each picture (B, D), from one set of K draws: (B,)."""
        eps = noise((self.k, len(x), self.model.latent_dim), x, generator)
        log_w = log_weights(self.model, x, eps)  # (K, B)
        return {"minus_bound": math.log(self.k) - log_w.logsumexp(dim=0)}
