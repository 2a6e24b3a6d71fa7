"""Checks for chapter 7, the VAE: the loss of pictures of which only some pixels were observed.

Shapes: B batch, D pixels, L latent. Nats.
"""

import math
from collections.abc import Callable
from dataclasses import replace

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

Term = Callable[[Tensor, Tensor], Tensor]  # of x and logits, or of mu and logvar, one by one


def _of_pixels(x: Tensor, logits: Tensor) -> Tensor:
    """-log p(x_j|z) of each pixel, (B, D)."""
    return F.softplus(logits) - x * logits


def _cost(x: Tensor, observed: Tensor, logits: Tensor, of_pixels: Term = _of_pixels) -> Tensor:
    """-log p of the observed pixels, (B,); what the others hold does not matter."""
    known = torch.where(observed > 0, x, 0.0)  # before any sum: 0 times NaN is NaN
    return (observed * of_pixels(known, logits)).sum(-1)


def _small() -> dict[str, Tensor]:
    """Two pictures whose logits could pass for probabilities here and there."""
    x = torch.tensor([[1.0, 0.0, 1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 0.0, 1.0]])
    logits = [[0.9, 0.2, 0.4, 0.3, -0.6, 1.0], [-1.0, 2.0, 0.5, 0.1, 0.8, -0.4]]
    return {"x": x, "logits": torch.tensor(logits)}


def _loss_case(rows: dict[str, Tensor], latent: int, *, missing: float = 0.5, **options) -> Case:
    """A call with about half of the pixels observed; `missing` stands in the others."""
    x = rows["x"]
    g = torch.Generator().manual_seed(latent)
    mu, logvar = torch.randn(2, len(x), latent, generator=g)
    observed = (torch.rand(x.shape, generator=g) < 0.6).float()
    observed[:, 0], observed[:, -1] = 1, 0
    x = torch.where(observed > 0, x, missing)
    args = {"x": x, "observed": observed, "logits": rows["logits"], "mu": mu, "logvar": logvar}
    return Case(args, **options)


def _all_observed(rows: dict[str, Tensor], latent: int, **options) -> Case:
    case = _loss_case(rows, latent, **options)
    return replace(case, args=case.args | {"x": rows["x"], "observed": torch.ones_like(rows["x"])})


Parts = Callable[..., Tensor]


def _loss(
    likelihood_weight: float = 1.0, kl_weight: float = 1.0, of_pixels: Term = _of_pixels
) -> Parts:
    """The loss with its two terms weighted: (-1, ...) flips a sign, (..., 2) counts it twice."""

    def loss(x: Tensor, observed: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
        kl = kl_to_standard_normal(mu, logvar)
        return (kl_weight * kl + likelihood_weight * _cost(x, observed, logits, of_pixels)).mean()

    return loss


def _loss_with_kl(kl: Term) -> Parts:
    """The loss with another divergence in place of the right one: kl(mu, logvar) -> (B, L)."""
    return lambda x, observed, logits, mu, logvar: (
        kl(mu, logvar).sum(-1) + _cost(x, observed, logits)
    ).mean()


def _per_example(x: Tensor, observed: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return kl_to_standard_normal(mu, logvar) + _cost(x, observed, logits)


def _with_cost(cost: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Parts:
    """The loss with another cost of the pixels: cost(x, observed, logits) -> (B,)."""
    return lambda x, observed, logits, mu, logvar: (
        kl_to_standard_normal(mu, logvar) + cost(x, observed, logits)
    ).mean()


_LOGITS = {mistake.name: mistake for mistake in LOGIT_MISTAKES}


NOTHING_SEEN = "NaN where nothing was observed"
_LOSS_SIZES = (((4, 7), 2), ((3, 5), 4), ((6, 4), 5), ((2, 8), 1), ((5, 3), 6), ((7, 6), 3))
_KL = {
    "Your term mu^2 / 2": lambda x, observed, logits, mu, logvar: 0.5 * mu.square().sum(-1).mean(),
    "Your term exp(logvar) / 2": lambda x, observed, logits, mu, logvar: (
        0.5 * logvar.exp().sum(-1).mean()
    ),
    "Your term -1/2 of each latent dimension": lambda x, observed, logits, mu, logvar: (
        -0.5 * torch.ones_like(mu).sum(-1).mean()
    ),
    "Your term -logvar / 2": lambda x, observed, logits, mu, logvar: -0.5 * logvar.sum(-1).mean(),
}

VAE_LOSS = Exercise(
    name="vae_loss",
    right=_loss(),
    cases=lambda: [
        _loss_case(_small(), 3),
        *(_loss_case(rows(*sizes), latent) for sizes, latent in _LOSS_SIZES),
        _loss_case(rows(5, 9, grey=True), 4, note="x has grey pixels"),
        _all_observed(extreme_logits(), 2, note=EXTREME, hard=True),
        _loss_case(rows(4, 5), 2, missing=math.nan, note=NOTHING_SEEN, hard=True),
    ],
    gradients=("logits", "mu", "logvar"),
    roles={
        "x": Role("BD"),
        "observed": Role("BD"),
        "logits": Role("BD"),
        "mu": Role("BL"),
        "logvar": Role("BL", LOGVAR),
    },
    ones="BDL",
    explain=wrong_term(
        {
            "Your cost of the observed pixels": lambda x, observed, logits, *_: _cost(
                x, observed, logits
            ).mean(),
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
            lambda x, observed, logits, mu, logvar: _loss(kl_weight=1 / mu.shape[-1])(
                x, observed, logits, mu, logvar
            ),
        ),
        Mistake(
            "likelihood-mean-over-pixels",
            "You average the cross-entropy over the pixels, as F.binary_cross_entropy does by "
            "default: sum over them, or the KL counts too much.",
            lambda x, *rest: _loss(likelihood_weight=1 / x.shape[-1])(x, *rest),
        ),
        Mistake(
            "mean-over-observed",
            "You average the cost over the observed pixels: sum over them, because the "
            "log-probability of several pixels is a sum.",
            _with_cost(lambda x, observed, logits: _cost(x, observed, logits) / observed.sum(-1)),
        ),
        Mistake(
            "mean-over-all-observed",
            "You average the cost over the observed pixels of the whole batch: sum over those of "
            "each picture, then average over the pictures.",
            _with_cost(
                lambda x, observed, logits: _cost(x, observed, logits).sum() / observed.sum()
            ),
        ),
        Mistake(
            "x-rounded",
            "You round x to black and white: a grey pixel counts x log(p) + (1 - x) log(1 - p).",
            _loss(of_pixels=lambda x, logits: _of_pixels(x.round(), logits)),
        ),
        Mistake(
            "scaled-up",
            "You scale the observed pixels up to the whole picture: a pixel that nobody saw costs "
            "nothing, so fewer pixels do cost less.",
            _with_cost(lambda x, observed, logits: _cost(x, observed, logits) / observed.mean(-1)),
        ),
        Mistake(
            "all-pixels",
            "You count all pixels: only those with observed = 1 have a value to be predicted.",
            _with_cost(lambda x, observed, logits: _cost(x, torch.ones_like(x), logits)),
        ),
        Mistake(
            "unobserved-pixels",
            "You count the pixels that were not observed: observed is 1 where a pixel was seen.",
            _with_cost(lambda x, observed, logits: _cost(x, 1 - observed, logits)),
        ),
        Mistake(
            "masked-logits",
            "You set the logits of unobserved pixels to 0, which are fair coins: each still costs "
            "log 2, so take its term out of the sum.",
            _with_cost(
                lambda x, observed, logits: (
                    _cost(x, observed, logits) + math.log(2) * (1 - observed).sum(-1)
                )
            ),
        ),
        Mistake(
            "masked-x",
            "You set x to 0 where nothing was observed and count it as paper: take these terms out "
            "of the sum.",
            _with_cost(lambda x, observed, logits: _of_pixels(x * observed, logits).sum(-1)),
        ),
        Mistake(
            "kl-by-share",
            "You scale the KL by the share of observed pixels: the code costs the same, however "
            "much of the picture was seen.",
            lambda x, observed, logits, mu, logvar: (
                observed.mean(-1) * kl_to_standard_normal(mu, logvar) + _cost(x, observed, logits)
            ).mean(),
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
            lambda x, observed, logits, mu, logvar: _loss(1 / x.shape[-1], 1 / mu.shape[-1])(
                x, observed, logits, mu, logvar
            ),
        ),
        Mistake(
            "parameters-swapped",
            "You read mu for logvar and logvar for mu.",
            lambda x, observed, logits, mu, logvar: _loss()(x, observed, logits, logvar, mu),
        ),
        Mistake(
            "log-sigma-in-the-exponential",
            "Your KL holds exp(2 logvar): the variance is exp(logvar), since logvar = log sigma^2.",
            _loss_with_kl(lambda mu, logvar: 0.5 * (mu**2 + (2 * logvar).exp() - 1 - logvar)),
        ),
        Mistake(
            "minus-one-once",
            "Your KL subtracts 1 once: every latent dimension has its own -1.",
            lambda *args: _loss()(*args) + 0.5 * (args[-1].shape[-1] - 1),
        ),
        Mistake(
            "two-pi",
            "Your loss has log(2 pi) / 2 too many for each latent dimension: in the KL of two "
            "Gaussians it cancels.",
            lambda *args: _loss()(*args) + 0.5 * math.log(2 * math.pi) * args[-1].shape[-1],
        ),
        Mistake(
            "squared-error",
            "You measure the pixels by squared errors: here they are Bernoulli, so take "
            "F.binary_cross_entropy_with_logits, summed over the observed pixels.",
            _loss(of_pixels=lambda x, logits: (x - logits.sigmoid()).square()),
        ),
        Mistake(
            "x-flipped",
            "You give white pixels the probability of black: p = sigmoid(logits) belongs to x = 1.",
            _loss(of_pixels=lambda x, logits: _of_pixels(1 - x, logits)),
        ),
        Mistake(
            "black-pixels-missing",
            "You count the white pixels only: add (1 - x) log(1 - p) for the black ones.",
            _loss(of_pixels=lambda x, logits: -x * F.logsigmoid(logits)),
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
            _loss(of_pixels=lambda x, logits: _of_pixels(x, logits.sigmoid())),
        ),
        Mistake(
            "not-a-number",
            "Your values are right while x holds numbers, but an unobserved pixel may be NaN, and "
            "0 times NaN is NaN: put a number in its place first, with torch.where.",
            matches=lambda got, want, x, *rest: bool(x.isnan().any()) != bool(got.isfinite()),
            hard=True,
        ),
        _LOGITS["binary-cross-entropy-on-logits"],
        _LOGITS["grey-pixels-refused"],
        replace(
            _LOGITS["overflow"],
            matches=lambda got, want, x, *rest: bool(x.isnan().any()) or not bool(got.isfinite()),
        ),
        _LOGITS["clipped-probabilities"],
    ),
)


@check(VAE_LOSS)
def vae_loss(student: Callable) -> Verdict:
    """Check f(x, observed, logits, mu, logvar) -> scalar: -ELBO of the observed pixels, in nats."""
    return judge(student, VAE_LOSS)
