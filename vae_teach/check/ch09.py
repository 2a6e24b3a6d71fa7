"""Checks for chapter 9, the conditional VAE: its loss, where c goes, blur, a condition of numbers.

Shapes: B batch, K draws, D pixels, L latent, N examples. Nats.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check._exercise import Case, Exercise, Mistake, judge
from vae_teach.check._factor_condition import FACTOR_CONDITION, factor_condition
from vae_teach.check._logits import EXTREME, LOGIT_MISTAKES, extreme_logits, rows
from vae_teach.check._spot_regressor import SPOT_REGRESSOR, spot_regressor
from vae_teach.check._verdict import Verdict
from vae_teach.conditional import join, one_hot
from vae_teach.gaussian import kl_between_normals
from vae_teach.likelihoods import Bernoulli

__all__ = ["conditional_loss", "factor_condition", "place_condition", "spot_regressor"]


# --- 9.1: the loss ---


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


def _kl(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """KL of each dimension, (B, L)."""
    ratio = logvar - logvar_p
    return 0.5 * ((mu - mu_p) ** 2 * torch.exp(-logvar_p) + ratio.exp() - 1 - ratio)


CONDITIONAL_LOSS = Exercise(
    name="conditional_loss",
    right=lambda *args: _per_example(*args).mean(),
    cases=lambda: [
        _loss_case(rows(4, 7), 2),
        _loss_case(rows(5, 3, grey=True), 4, note="x has grey pixels"),
        _loss_case(extreme_logits(), 3, note=EXTREME, hard=True),
    ],
    gradients=("logits", "mu", "logvar", "mu_p", "logvar_p"),
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


def conditional_loss(student: Callable) -> Verdict:
    """Check f(x, logits, mu, logvar, mu_p, logvar_p) -> scalar: -ELBO of a CVAE, learned prior."""
    return judge(student, CONDITIONAL_LOSS)


# --- 9.2: placing the condition ---


def _placed(z: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    return join(z, one_hot(labels, n_classes).to(z.dtype))


def _place_case(k: int, labels: list[int], latent: int, n_classes: int) -> Case:
    g = torch.Generator().manual_seed(k * len(labels))
    z = torch.randn(k, len(labels), latent, generator=g)
    return Case({"z": z, "labels": torch.tensor(labels), "n_classes": n_classes})


def _mixed_up(z: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Each label repeated K times in a row, then cut into K rows: draws and conditions mixed."""
    k, b = z.shape[:2]
    c = one_hot(labels, n_classes).to(z.dtype)
    return torch.cat([z, c.repeat_interleave(k, dim=0).reshape(k, b, n_classes)], dim=-1)


PLACE_CONDITION = Exercise(
    name="place_condition",
    right=_placed,
    cases=lambda: [  # a batch seldom has every class: in the second the last two are missing
        _place_case(3, [3, 4, 0, 1], 2, 5),
        _place_case(2, [2, 1, 0], 3, 5),
        _place_case(1, [0, 2], 1, 3),
    ],
    mistakes=(
        Mistake(
            "label-as-a-number",
            "You append the label as one number, so that 8 is twice 4: append a one-hot vector.",
            lambda z, labels, n: torch.cat(
                [z, labels.to(z.dtype).expand(z.shape[:-1])[..., None]], dim=-1
            ),
        ),
        Mistake(
            "condition-first",
            "You put the condition before the code: the decoder was built for [z, c].",
            lambda z, labels, n: _placed(z, labels, n).roll(n, dims=-1),
        ),
        Mistake(
            "draws-and-conditions-mixed",
            "Your labels follow the draws instead of the examples: z[k, b] belongs to labels[b], "
            "whatever k is.",
            _mixed_up,
        ),
        Mistake(
            "one-class-for-all",
            "Every row of yours gets the first label: z[k, b] belongs to labels[b].",
            lambda z, labels, n: _placed(z, labels[:1].expand_as(labels), n),
        ),
        Mistake(
            "width-from-the-batch",
            "Your one-hot vectors are as wide as the largest label of the batch asks: they need "
            "n_classes entries, whichever classes the batch has.",
            lambda z, labels, n: _placed(z, labels, int(labels.max()) + 1),
        ),
        Mistake(
            "counted-from-one",
            "Your one-hot vectors are shifted by one: label 0 is the first entry.",
            lambda z, labels, n: _placed(z, (labels - 1) % n, n),
        ),
        Mistake(
            "code-lost",
            "You return the condition without the code: join the two along the last axis.",
            lambda z, labels, n: _placed(z, labels, n)[..., z.shape[-1] :],
        ),
        Mistake(
            "axes-swapped",
            "Your first two axes are swapped: the draws come first, as in z.",
            lambda z, labels, n: _placed(z, labels, n).transpose(0, 1),
        ),
    ),
)


def place_condition(student: Callable) -> Verdict:
    """Check f(z, labels, n_classes) -> (K, B, L + n_classes): the decoder's input [z, c]."""
    return judge(student, PLACE_CONDITION)


_TABLES = (CONDITIONAL_LOSS, PLACE_CONDITION, SPOT_REGRESSOR, FACTOR_CONDITION)
HINTS = {table.name: table.hints for table in _TABLES}
