"""Checks for chapter 7, the VAE: its likelihood, its loss, samples of the prior, the manifold.

Shapes: B batch, D pixels, L latent. Nats.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.logits import EXTREME, LOGIT_MISTAKES, extreme_logits, rows
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import LOGVAR, Role
from vae_teach.check.engine.terms import wrong_term
from vae_teach.check.engine.verdict import Verdict
from vae_teach.maths.gaussian import kl_to_standard_normal
from vae_teach.models.likelihoods import Bernoulli


def _log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    return Bernoulli().log_prob(x, logits)


def _small_logits() -> dict[str, Tensor]:
    """One example whose logits could pass for probabilities, and one whose logits could not."""
    x = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    return {"x": x, "logits": torch.tensor([[0.9, 0.2, 0.4], [-1.0, 2.0, 0.5]])}


def _as_probabilities(x: Tensor, logits: Tensor) -> Tensor:
    return (x * logits.log() + (1 - x) * (1 - logits).log()).sum(-1)


BERNOULLI_LOG_LIKELIHOOD = Exercise(
    name="bernoulli_log_likelihood",
    right=_log_likelihood,
    cases=lambda: [
        Case(_small_logits()),
        Case(rows(4, 7)),
        Case(rows(5, 2, grey=True), note="x has grey pixels"),
        Case(extreme_logits(), note=EXTREME, hard=True),
    ],
    gradients=("logits",),
    roles={"x": Role("BD"), "logits": Role("BD")},
    ones="BD",
    explain=wrong_term(
        {
            "Your term x logits": lambda x, logits: (x * logits).sum(-1),
            "Your term -softplus(logits)": lambda x, logits: -F.softplus(logits).sum(-1),
        }
    ),
    mistakes=(
        Mistake(
            "mean-over-pixels",
            "You average over the pixels: their log-probabilities add up, so sum over them.",
            lambda x, logits: _log_likelihood(x, logits) / x.shape[-1],
        ),
        Mistake(
            "negative",
            "The sign is flipped, as a loss would have it: a log-likelihood is at most 0 here.",
            lambda x, logits: -_log_likelihood(x, logits),
        ),
        Mistake(
            "total-over-batch",
            "You add the whole batch up: return one value per example, shape (B,).",
            lambda x, logits: _log_likelihood(x, logits).sum(),
        ),
        Mistake(
            "mean-over-batch",
            "You average over the batch: return one value per example, shape (B,), "
            "and let the caller average.",
            lambda x, logits: _log_likelihood(x, logits).mean(),
        ),
        Mistake(
            "mean-of-everything",
            "You average over pixels and batch, as the functions of torch do by default: "
            "sum over the pixels and return one value per example, shape (B,).",
            lambda x, logits: _log_likelihood(x, logits).mean() / x.shape[-1],
        ),
        Mistake(
            "cross-entropy-of-everything",
            "You return the mean cross-entropy of all pixels, which is a loss: flip its sign, sum "
            "over the pixels and return one value per example.",
            lambda x, logits: -_log_likelihood(x, logits).mean() / x.shape[-1],
        ),
        Mistake(
            "cross-entropy-of-the-batch",
            "You return the summed cross-entropy of the batch, which is a loss: flip its sign and "
            "return one value per example, shape (B,).",
            lambda x, logits: -_log_likelihood(x, logits).sum(),
        ),
        Mistake(
            "over-the-batch",
            "You sum over the examples: sum over the pixels, which are the last axis.",
            lambda x, logits: (x * logits - F.softplus(logits)).sum(0),
        ),
        Mistake(
            "black-pixels-missing",
            "You count the white pixels only: add (1 - x) log(1 - p) for the black ones.",
            lambda x, logits: (x * F.logsigmoid(logits)).sum(-1),
        ),
        Mistake(
            "white-pixels-missing",
            "You count the black pixels only: add x log(p) for the white ones.",
            lambda x, logits: ((1 - x) * F.logsigmoid(-logits)).sum(-1),
        ),
        Mistake(
            "x-flipped",
            "You give white pixels the probability of black: p = sigmoid(logits) belongs to x = 1.",
            lambda x, logits: _log_likelihood(1 - x, logits),
        ),
        Mistake(
            "logits-as-probabilities",
            "You take the log of the logits: they are log-odds, so p = sigmoid(logits) first.",
            _as_probabilities,
        ),
        Mistake(
            "sigmoid-twice",
            "You apply the sigmoid twice: a function that takes logits applies it by itself.",
            lambda x, logits: _log_likelihood(x, logits.sigmoid()),
        ),
        Mistake(
            "bits",
            "Your values are in bits: use the natural logarithm, which gives nats.",
            lambda x, logits: _log_likelihood(x, logits) / math.log(2),
        ),
        Mistake(
            "base-ten",
            "Your logarithm has base 10: use the natural logarithm, which gives nats.",
            lambda x, logits: _log_likelihood(x, logits) / math.log(10),
        ),
        Mistake(
            "softplus-of-minus-logits",
            "You subtract softplus(-logits): log(1 - p) is -softplus(logits).",
            lambda x, logits: (x * logits - F.softplus(-logits)).sum(-1),
        ),
        Mistake(
            "arguments-swapped",
            "You have x and logits the wrong way round: F.binary_cross_entropy_with_logits takes "
            "the logits first.",
            lambda x, logits: _log_likelihood(logits, x),
        ),
        Mistake(
            "squared-error",
            "You take the squared error of the pixels: a Bernoulli's log-likelihood is "
            "x log(p) + (1 - x) log(1 - p).",
            lambda x, logits: -(x - logits.sigmoid()).square().sum(-1),
        ),
        Mistake(
            "softmax",
            "You let the pixels share one probability, as softmax does: each has its own, "
            "p = sigmoid(logits).",
            lambda x, logits: (x * logits.log_softmax(-1)).sum(-1),
        ),
        Mistake(
            "log-of-the-mixture",
            "You take the log of x p + (1 - x) (1 - p), which is right for black and white only: "
            "weigh the logarithms, x log(p) + (1 - x) log(1 - p).",
            lambda x, logits: (x * logits.sigmoid() + (1 - x) * (-logits).sigmoid()).log().sum(-1),
        ),
        Mistake(
            "x-rounded",
            "You round x to black and white: a grey pixel counts x log(p) + (1 - x) log(1 - p).",
            lambda x, logits: _log_likelihood(x.round(), logits),
        ),
        Mistake(
            "not-a-logarithm",
            "Your values are probabilities: return their logarithm, which does not underflow.",
            lambda x, logits: _log_likelihood(x, logits).exp(),
        ),
        *LOGIT_MISTAKES,
    ),
)


@check(BERNOULLI_LOG_LIKELIHOOD)
def bernoulli_log_likelihood(student: Callable) -> Verdict:
    """Check f(x, logits) -> (B,): log p(x | z) in nats, summed over pixels, at any logits."""
    return judge(student, BERNOULLI_LOG_LIKELIHOOD)


def _loss_case(rows: dict[str, Tensor], latent: int, **options) -> Case:
    b = len(rows["x"])
    g = torch.Generator().manual_seed(latent)
    mu, logvar = torch.randn(2, b, latent, generator=g)
    return Case({**rows, "mu": mu, "logvar": logvar}, **options)


def _loss(likelihood_weight: float = 1.0, kl_weight: float = 1.0) -> Callable[..., Tensor]:
    """The loss with its two terms weighted: (-1, ...) flips a sign, (..., 2) counts it twice."""

    def loss(x: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        kl = kl_to_standard_normal(mu, logvar)
        return (kl_weight * kl - likelihood_weight * _log_likelihood(x, logits)).mean()

    return loss


def _loss_with_kl(kl: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss with another divergence in place of the right one: kl(mu, logvar) -> (B, L)."""
    return lambda x, logits, mu, logvar: (
        kl(mu, logvar).sum(-1) - _log_likelihood(x, logits)
    ).mean()


def _per_example(x: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return kl_to_standard_normal(mu, logvar) - _log_likelihood(x, logits)


_LOSS_SIZES = (((4, 7), 2), ((3, 5), 4), ((6, 4), 5), ((2, 8), 1), ((5, 3), 6), ((7, 6), 3))
_KL = {
    "Your term mu^2 / 2": lambda x, logits, mu, logvar: 0.5 * mu.square().sum(-1).mean(),
    "Your term exp(logvar) / 2": lambda x, logits, mu, logvar: 0.5 * logvar.exp().sum(-1).mean(),
    "Your term -1/2 of each latent dimension": lambda x, logits, mu, logvar: (
        -0.5 * torch.ones_like(mu).sum(-1).mean()
    ),
    "Your term -logvar / 2": lambda x, logits, mu, logvar: -0.5 * logvar.sum(-1).mean(),
}

VAE_LOSS = Exercise(
    name="vae_loss",
    right=_loss(),
    cases=lambda: [
        _loss_case(_small_logits(), 3),
        *(_loss_case(rows(*sizes), latent) for sizes, latent in _LOSS_SIZES),
        _loss_case(rows(5, 2, grey=True), 4, note="x has grey pixels"),
        _loss_case(extreme_logits(), 2, note=EXTREME, hard=True),
    ],
    gradients=("logits", "mu", "logvar"),
    roles={"x": Role("BD"), "logits": Role("BD"), "mu": Role("BL"), "logvar": Role("BL", LOGVAR)},
    ones="BDL",
    explain=wrong_term(
        {
            "Your negative log-likelihood": lambda x, logits, *_: (
                -_log_likelihood(x, logits).mean()
            ),
            **_KL,
        },
        groups={"Your KL": tuple(_KL)},
    ),
    mistakes=(
        Mistake(
            "not-reduced",
            "You return one value per example: average them over the batch at the end.",
            _per_example,
        ),
        Mistake(
            "elbo-instead-of-loss",
            "You return the ELBO, which is to be made large: the loss is its negative.",
            lambda *args: -_loss()(*args),
        ),
        Mistake(
            "kl-subtracted",
            "You subtract the KL term: in a loss it is added to the negative log-likelihood.",
            _loss(kl_weight=-1),
        ),
        Mistake(
            "likelihood-sign",
            "You add the log-likelihood: a loss holds the negative log-likelihood plus the KL.",
            _loss(likelihood_weight=-1),
        ),
        Mistake(
            "kl-twice",
            "Your KL is twice the right one: look for a missing 1/2, or a KL added twice.",
            _loss(kl_weight=2),
        ),
        Mistake(
            "kl-halved",
            "Your KL is half the right one: look for a 1/2 applied twice.",
            _loss(kl_weight=0.5),
        ),
        Mistake("kl-missing", "The KL term is missing from your loss.", _loss(kl_weight=0)),
        Mistake(
            "likelihood-missing",
            "The negative log-likelihood is missing from your loss.",
            _loss(likelihood_weight=0),
        ),
        Mistake(
            "kl-mean-over-dimensions",
            "You average the KL over the latent dimensions: sum over them, "
            "or the KL counts too little beside the pixels.",
            lambda x, logits, mu, logvar: _loss(kl_weight=1 / mu.shape[-1])(x, logits, mu, logvar),
        ),
        Mistake(
            "likelihood-mean-over-pixels",
            "You average the cross-entropy over the pixels, as F.binary_cross_entropy does by "
            "default: sum over them, or the KL counts too much.",
            lambda x, *rest: _loss(likelihood_weight=1 / x.shape[-1])(x, *rest),
        ),
        Mistake(
            "sum-over-batch",
            "You sum over the batch: average, or the loss grows with the batch size.",
            lambda *args: _per_example(*args).sum(),
        ),
        Mistake(
            "likelihood-summed-over-batch",
            "You sum the likelihood term over the batch but average the KL: average both.",
            lambda x, *rest: _loss(likelihood_weight=len(x))(x, *rest),
        ),
        Mistake(
            "kl-summed-over-batch",
            "You sum the KL over the batch but average the likelihood term: average both.",
            lambda x, *rest: _loss(kl_weight=len(x))(x, *rest),
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so sigma^2 = exp(logvar).",
            _loss_with_kl(lambda mu, logvar: 0.5 * (mu**2 + (2 * logvar).exp() - 1) - logvar),
        ),
        Mistake(
            "sigma-for-variance",
            "Your KL holds sigma where sigma^2 belongs: the variance is exp(logvar), "
            "not exp(logvar / 2).",
            _loss_with_kl(lambda mu, logvar: 0.5 * (mu**2 + (logvar / 2).exp() - 1 - logvar)),
        ),
        Mistake(
            "kl-swapped",
            "You compute KL(p || q): the VAE needs KL(q || p), with the encoder's q first.",
            _loss_with_kl(lambda mu, logvar: 0.5 * ((-logvar).exp() * (1 + mu**2) - 1 + logvar)),
        ),
        Mistake(
            "mean-of-everything",
            "You average over pixels, latent dimensions and batch: sum over pixels and latent "
            "dimensions, and average over the batch only.",
            lambda x, logits, mu, logvar: _loss(1 / x.shape[-1], 1 / mu.shape[-1])(
                x, logits, mu, logvar
            ),
        ),
        Mistake(
            "parameters-swapped",
            "You read mu for logvar and logvar for mu.",
            lambda x, logits, mu, logvar: _loss()(x, logits, logvar, mu),
        ),
        Mistake(
            "log-sigma-in-the-exponential",
            "Your KL holds exp(2 logvar): the variance is exp(logvar), since logvar = log sigma^2.",
            _loss_with_kl(lambda mu, logvar: 0.5 * (mu**2 + (2 * logvar).exp() - 1 - logvar)),
        ),
        Mistake(
            "minus-one-once",
            "Your KL subtracts 1 once: every latent dimension has its own -1.",
            lambda x, logits, mu, logvar: _loss()(x, logits, mu, logvar) + 0.5 * (mu.shape[-1] - 1),
        ),
        Mistake(
            "two-pi",
            "Your loss has log(2 pi) / 2 too many for each latent dimension: in the KL of two "
            "Gaussians it cancels.",
            lambda x, logits, mu, logvar: (
                _loss()(x, logits, mu, logvar) + 0.5 * math.log(2 * math.pi) * mu.shape[-1]
            ),
        ),
        Mistake(
            "squared-error",
            "You measure the pixels by squared errors: here they are Bernoulli, so take "
            "F.binary_cross_entropy_with_logits, summed over the pixels.",
            lambda x, logits, mu, logvar: (
                _loss(likelihood_weight=0)(x, logits, mu, logvar)
                + (x - logits.sigmoid()).square().sum(-1).mean()
            ),
        ),
        Mistake(
            "x-flipped",
            "You give white pixels the probability of black: p = sigmoid(logits) belongs to x = 1.",
            lambda x, *rest: _loss()(1 - x, *rest),
        ),
        Mistake(
            "black-pixels-missing",
            "You count the white pixels only: add (1 - x) log(1 - p) for the black ones.",
            lambda x, logits, mu, logvar: (
                _loss(likelihood_weight=0)(x, logits, mu, logvar)
                - (x * F.logsigmoid(logits)).sum(-1).mean()
            ),
        ),
        Mistake(
            "mu-not-squared",
            "Your KL holds mu where mu^2 belongs.",
            _loss_with_kl(lambda mu, logvar: 0.5 * (mu + logvar.exp() - 1 - logvar)),
        ),
        Mistake(
            "minus-one-missing",
            "Your KL lacks its -1 for each latent dimension: at mu = 0, logvar = 0 it must be 0.",
            _loss_with_kl(lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar)),
        ),
        Mistake(
            "sigmoid-twice",
            "You apply the sigmoid twice: a function that takes logits applies it by itself.",
            lambda x, logits, *rest: _loss()(x, logits.sigmoid(), *rest),
        ),
        *LOGIT_MISTAKES,
    ),
)


@check(VAE_LOSS)
def vae_loss(student: Callable) -> Verdict:
    """Check f(x, logits, mu, logvar) -> scalar: the mean over the batch of -ELBO, in nats."""
    return judge(student, VAE_LOSS)
