"""Checks for chapter 14, the conditional VAE: its loss with a learned prior, and slants on request.

Shapes: B batch, D pixels, L latent. Nats.
"""

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
from vae_teach.maths.gaussian import kl_between_normals
from vae_teach.models.likelihoods import Bernoulli


def _loss_case(pixels: dict[str, Tensor], latent: int, *, note: str = "", hard=False) -> Case:
    g = torch.Generator().manual_seed(latent)
    parameters = torch.randn(4, len(pixels["x"]), latent, generator=g)
    names = ("mu", "logvar", "mu_p", "logvar_p")
    return Case(pixels | dict(zip(names, parameters, strict=True)), note=note, hard=hard)


def _per_example(x: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor, *prior: Tensor) -> Tensor:
    return kl_between_normals(mu, logvar, *prior) - Bernoulli().log_prob(x, logits)


def _loss_with(kl: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The loss with another divergence: kl(mu, logvar, mu_p, logvar_p) -> (B, L)."""
    return lambda x, logits, *parameters: (
        kl(*parameters).sum(-1) - Bernoulli().log_prob(x, logits)
    ).mean()


def _to_standard(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL of each dimension to N(0, 1), (B, L)."""
    return _kl(mu, logvar, torch.zeros_like(mu), torch.zeros_like(logvar))


def _kl(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """KL of each dimension, (B, L)."""
    ratio = logvar - logvar_p
    return 0.5 * ((mu - mu_p) ** 2 * torch.exp(-logvar_p) + ratio.exp() - 1 - ratio)


def _kl_term(term: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """One term of the KL, term(mu, logvar, mu_p, logvar_p) -> (B, L), as it stands in the loss."""
    return lambda x, logits, *parameters: term(*parameters).sum(-1).mean()


_KL_TERMS = {
    "Your term (mu - mu_p)^2 / (2 sigma_p^2)": _kl_term(
        lambda m, v, mp, vp: 0.5 * (m - mp).square() * torch.exp(-vp)
    ),
    "Your ratio of the variances, sigma^2 / (2 sigma_p^2),": _kl_term(
        lambda m, v, mp, vp: 0.5 * (v - vp).exp()
    ),
    "Your term -1/2 of each latent dimension": _kl_term(
        lambda m, v, mp, vp: torch.full_like(m, -0.5)
    ),
    "Your term -logvar / 2": _kl_term(lambda m, v, mp, vp: -0.5 * v),
    "Your term logvar_p / 2": _kl_term(lambda m, v, mp, vp: 0.5 * vp),
}
_LOSS_SIZES = (
    ((4, 7), 2), ((3, 5), 4), ((6, 4), 5), ((2, 8), 1), ((5, 3), 6), ((7, 6), 3), ((3, 6), 2)
)  # fmt: skip


def _scaled_wrong(distance: float, ratio: float) -> Callable[..., Tensor]:
    """The loss with the powers of sigma_p in its two quotients wrong: 1 is the variance."""
    return _loss_with(
        lambda m, v, mp, vp: (
            _kl(mp, v, mp, vp)
            + 0.5 * (m - mp) ** 2 * torch.exp(-distance * vp)
            + 0.5 * (v - ratio * vp).exp()
            - 0.5 * (v - vp).exp()
        )
    )


def _loss_of(likelihood: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss with another log-likelihood: likelihood(x, logits) -> (B,)."""
    return lambda x, logits, *parameters: (_kl(*parameters).sum(-1) - likelihood(x, logits)).mean()


CONDITIONAL_LOSS = Exercise(
    name="conditional_loss",
    right=lambda *args: _per_example(*args).mean(),
    cases=lambda: [
        *(_loss_case(rows(*size), latent) for size, latent in _LOSS_SIZES),
        _loss_case(rows(5, 3, grey=True), 4, note="x has grey pixels"),
        _loss_case(extreme_logits(), 3, note=EXTREME, hard=True),
    ],
    gradients=("logits", "mu", "logvar", "mu_p", "logvar_p"),
    roles={"x": Role("BD"), "logits": Role("BD")}
    | {name: Role("BL") for name in ("mu", "mu_p")}
    | {name: Role("BL", LOGVAR) for name in ("logvar", "logvar_p")},
    ones="BDL",
    explain=wrong_term(
        {
            "Your negative log-likelihood": lambda x, logits, *_: (
                -Bernoulli().log_prob(x, logits).mean()
            ),
            **_KL_TERMS,
        },
        groups={"Your KL": tuple(_KL_TERMS)},
    ),
    mistakes=(
        Mistake(
            "prior-ignored",
            "Your KL is to N(0, I): here the prior is N(mu_p, exp(logvar_p)).",
            _loss_with(lambda m, v, *_: 0.5 * (m**2 + v.exp() - 1 - v)),
        ),
        Mistake(
            "only-the-means-differ",
            "Your KL looks at the prior's mean but not at its variance exp(logvar_p).",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, mp, torch.zeros_like(vp))),
        ),
        Mistake(
            "prior-mean-ignored",
            "Your KL looks at the prior's variance but not at its mean mu_p.",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, torch.zeros_like(mp), vp)),
        ),
        Mistake(
            "swapped",
            "You compute KL(p || q): the bound needs KL(q || p), with the encoder's q first.",
            _loss_with(lambda m, v, mp, vp: _kl(mp, vp, m, v)),
        ),
        Mistake(
            "distance-not-scaled",
            "You do not divide (mu - mu_p)^2 by the prior's variance: a distance counts less "
            "where the prior is wide.",
            _loss_with(
                lambda m, v, mp, vp: _kl(mp, v, mp, vp) + 0.5 * (m - mp) ** 2,
            ),
        ),
        Mistake(
            "scaled-by-q",
            "You divide (mu - mu_p)^2 by q's variance: it is the prior's that belongs there.",
            _loss_with(
                lambda m, v, mp, vp: _kl(mp, v, mp, vp) + 0.5 * (m - mp) ** 2 * torch.exp(-v),
            ),
        ),
        Mistake(
            "prior-logvar-as-log-sigma",
            "You read logvar_p as log sigma: it is log sigma^2, so the variance is exp(logvar_p).",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, mp, 2 * vp)),
        ),
        Mistake(
            "logvar-as-log-sigma",
            "You read logvar as log sigma: it is log sigma^2, so q's variance is exp(logvar).",
            _loss_with(lambda m, v, mp, vp: _kl(m, 2 * v, mp, vp)),
        ),
        Mistake(
            "both-as-log-sigma",
            "You read logvar and logvar_p as log sigma: they are log sigma^2, so the variances are "
            "exp(logvar) and exp(logvar_p).",
            _loss_with(lambda m, v, mp, vp: _kl(m, 2 * v, mp, 2 * vp)),
        ),
        Mistake(
            "sigmas-for-variances",
            "Your KL holds sigmas where variances belong: they are exp(logvar) and exp(logvar_p), "
            "without a half.",
            _loss_with(
                lambda m, v, mp, vp: (
                    0.5 * ((m - mp) ** 2 * (-vp / 2).exp() + ((v - vp) / 2).exp() - 1 - v + vp)
                )
            ),
        ),
        Mistake(
            "distance-by-sigma",
            "You divide (mu - mu_p)^2 by sigma_p: divide it by the variance exp(logvar_p).",
            _scaled_wrong(0.5, 1),
        ),
        Mistake(
            "everything-by-sigma",
            "You divide by sigma_p: divide by the variance exp(logvar_p), twice.",
            _scaled_wrong(0.5, 0.5),
        ),
        Mistake(
            "only-the-distance",
            "Your KL is half the squared distance of the means: that is the case in which both "
            "variances are 1.",
            _loss_with(lambda m, v, mp, vp: 0.5 * (m - mp) ** 2),
        ),
        Mistake(
            "distance-multiplied",
            "You multiply (mu - mu_p)^2 by the prior's variance: divide by it.",
            _scaled_wrong(-1, 1),
        ),
        Mistake(
            "everything-multiplied",
            "You multiply by the prior's variance: divide by exp(logvar_p), twice.",
            _scaled_wrong(-1, -1),
        ),
        Mistake(
            "ratio-upside-down",
            "Your ratio of the variances is upside down: it is exp(logvar - logvar_p).",
            _loss_with(
                lambda m, v, mp, vp: (
                    0.5 * ((m - mp) ** 2 * (-vp).exp() + (vp - v).exp() - 1 - (v - vp))
                )
            ),
        ),
        Mistake(
            "log-ratio-sign",
            "Your logarithm of the ratio has the wrong sign: it is -(logvar - logvar_p) / 2.",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, mp, vp) + v - vp),
        ),
        Mistake(
            "log-ratio-missing",
            "Your KL lacks the logarithm of the ratio, -(logvar - logvar_p) / 2.",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, mp, vp) + 0.5 * (v - vp)),
        ),
        Mistake(
            "log-ratio-twice",
            "Your logarithm of the ratio is twice the right one: it is -(logvar - logvar_p) / 2.",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, mp, vp) - 0.5 * (v - vp)),
        ),
        Mistake(
            "distance-not-squared",
            "Your KL holds mu - mu_p where its square belongs.",
            (
                _loss_with(
                    lambda m, v, mp, vp: _kl(mp, v, mp, vp) + 0.5 * (m - mp) * torch.exp(-vp)
                ),
                _loss_with(
                    lambda m, v, mp, vp: _kl(mp, v, mp, vp) + 0.5 * (m - mp).abs() * torch.exp(-vp)
                ),
            ),
        ),
        Mistake(
            "means-added",
            "You add mu and mu_p: it is their distance mu - mu_p that is squared.",
            _loss_with(lambda m, v, mp, vp: _kl(m, v, -mp, vp)),
        ),
        Mistake(
            "symmetric",
            "You average KL(q || p) and KL(p || q): the bound needs KL(q || p) alone.",
            _loss_with(lambda m, v, mp, vp: 0.5 * (_kl(m, v, mp, vp) + _kl(mp, vp, m, v))),
        ),
        Mistake(
            "two-divergences",
            "You measure q and the prior each against N(0, I): measure q against the prior.",
            (
                _loss_with(lambda m, v, mp, vp: _to_standard(m, v) - _to_standard(mp, vp)),
                _loss_with(lambda m, v, mp, vp: _to_standard(m, v) + _to_standard(mp, vp)),
            ),
        ),
        Mistake(
            "sigmoid-twice",
            "You apply the sigmoid twice: a function that takes logits applies it by itself.",
            _loss_of(lambda x, logits: Bernoulli().log_prob(x, logits.sigmoid())),
        ),
        Mistake(
            "squared-error",
            "You measure the pixels by squared errors: here they are Bernoulli, so take "
            "F.binary_cross_entropy_with_logits, summed over the pixels.",
            _loss_of(lambda x, logits: -(x - logits.sigmoid()).square().sum(-1)),
        ),
        Mistake(
            "x-flipped",
            "You give white pixels the probability of black: p = sigmoid(logits) belongs to x = 1.",
            _loss_of(lambda x, logits: Bernoulli().log_prob(1 - x, logits)),
        ),
        Mistake(
            "black-pixels-missing",
            "You count the white pixels only: add (1 - x) log(1 - p) for the black ones.",
            _loss_of(lambda x, logits: (x * F.logsigmoid(logits)).sum(-1)),
        ),
        Mistake(
            "mean-of-everything",
            "You average over pixels, latent dimensions and batch: sum over pixels and latent "
            "dimensions, and average over the batch only.",
            lambda x, logits, *parameters: (
                _kl(*parameters).mean() - Bernoulli().log_prob(x, logits).mean() / x.shape[-1]
            ),
        ),
        Mistake(
            "elbo-instead-of-loss",
            "You return the bound, which is to be made large: the loss is its negative.",
            lambda *args: -_per_example(*args).mean(),
        ),
        Mistake(
            "kl-subtracted",
            "You subtract the KL term: in a loss it is added to the negative log-likelihood.",
            _loss_with(lambda *parameters: -_kl(*parameters)),
        ),
        Mistake(
            "kl-missing",
            "The KL term is missing from your loss.",
            _loss_with(lambda *parameters: 0 * _kl(*parameters)),
        ),
        Mistake(
            "likelihood-missing",
            "The negative log-likelihood is missing from your loss.",
            lambda x, logits, *parameters: _kl(*parameters).sum(-1).mean(),
        ),
        Mistake(
            "kl-mean-over-dimensions",
            "You average the KL over the latent dimensions: sum over them.",
            lambda x, logits, *parameters: (
                _kl(*parameters).mean(-1) - Bernoulli().log_prob(x, logits)
            ).mean(),
        ),
        Mistake(
            "likelihood-mean-over-pixels",
            "You average the cross-entropy over the pixels: sum over them.",
            lambda x, logits, *parameters: (
                _kl(*parameters).sum(-1) - Bernoulli().log_prob(x, logits) / x.shape[-1]
            ).mean(),
        ),
        Mistake(
            "not-reduced",
            "You return one value per example: average them over the batch at the end.",
            _per_example,
        ),
        Mistake(
            "sum-over-batch",
            "You sum over the batch: average, or the loss grows with the batch size.",
            lambda *args: _per_example(*args).sum(),
        ),
        *LOGIT_MISTAKES,
    ),
)


@check(CONDITIONAL_LOSS)
def conditional_loss(student: Callable) -> Verdict:
    """Check f(x, logits, mu, logvar, mu_p, logvar_p) -> scalar: -ELBO of a CVAE, learned prior."""
    return judge(student, CONDITIONAL_LOSS)
