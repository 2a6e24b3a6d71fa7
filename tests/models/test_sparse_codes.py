"""A sparse autoencoder: the weight of its penalty is set by hand.

As in Doersch 2016 (arXiv:1606.05908), Eq. 11, with the sum of the codes in place of their number.
"""

import pytest
from seeded import generator

from vae_teach import Autoencoder, data
from vae_teach.training.loop import fit


class Sparse(Autoencoder):
    """Codes of at least 0, each of which costs its size."""

    def loss_terms(self, x, *, generator=None):
        return super().loss_terms(x) | {"penalty": self.encode(x).sum(dim=-1)}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("seed", range(3))
def test_a_larger_penalty_leaves_fewer_codes_and_larger_errors(seed):
    """A penalty that is not trained, or one that the decoder undoes without a trace."""
    x = data.draw(400, generator=generator(0)).images
    used, errors = [], []
    for weight in (0.0, 0.02, 0.1):
        model = Sparse(784, (64,), 24, (64,), code_activation="relu", seed=seed)
        model.start_from_average(x)
        fit(
            model, x, epochs=25, batch_size=50, lr=3e-3, seed=seed,
            weights={"squared_error": 1.0, "penalty": weight}, progress=False,
        )  # fmt: skip
        used.append((model.encode(x) > 1e-6).float().sum(1).mean().item())
        errors.append(model.loss_terms(x)["squared_error"].mean().item())
    assert used[0] > used[1] > used[2]
    assert errors[0] < errors[1] < errors[2]
