"""Checks for chapter 9, bounds: L_m from blocks of draws, the gap on a grid, a figure.

Shapes: K draws or M grid points lead, B batch. Nats.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import agree
from vae_teach.check.engine.exercise import Case, Exercise, Mistake, judge
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.rules import Role
from vae_teach.check.engine.verdict import Verdict


def _blocks(log_w: Tensor, m: int) -> Tensor:
    """(K, B) -> (K / m, m, B)."""
    return log_w.reshape(-1, m, log_w.shape[1])


def _in_blocks(log_w: Tensor, m: int) -> Tensor:
    return (_blocks(log_w, m).logsumexp(1) - math.log(m)).mean(0)


def _strided(log_w: Tensor, m: int) -> Tensor:
    return (log_w.reshape(m, -1, log_w.shape[1]).logsumexp(0) - math.log(m)).mean(0)


def _m_blocks(log_w: Tensor, m: int) -> Tensor:
    size = len(log_w) // m
    return (log_w.reshape(m, size, -1).logsumexp(1) - math.log(size)).mean(0)


def _weights(k: int, m: int, b: int, low: float, **options) -> Case:
    g = torch.Generator().manual_seed(10 * k + b)
    return Case({"log_w": low + 2 * torch.randn(k, b, generator=g), "m": m}, **options)


def _apart(pictures: list[float], draws: list[float], note: str) -> Case:
    """Log-weights in float64 at levels so far apart that exp of their differences is 0 or inf."""
    case = _weights(len(draws), 2, len(pictures), 0.0)
    levels = torch.tensor(pictures, dtype=torch.float64) + torch.tensor(draws).view(-1, 1)
    return Case(case.args | {"log_w": case.args["log_w"] + levels}, note=note, hard=True)


def _taken_out(log_w: Tensor, m: int, what: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The bound with what(all, blocks) subtracted before exp, and added after the logarithm."""
    blocks = _blocks(log_w, m)
    taken = what(log_w, blocks)
    return ((blocks - taken).exp().mean(1, keepdim=True).log() + taken).mean((0, 1))


def _takes_out(*ways: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., bool]:
    """Whether a result is that of one of these ways to keep exp in range."""
    return lambda got, want, log_w, m: any(
        agree(got, want) or agree(got, _taken_out(log_w, m, what)) for what in ways
    )


BOUND_IN_BLOCKS = Exercise(
    name="bound_in_blocks",
    right=_in_blocks,
    cases=lambda: [
        _weights(12, 3, 4, -1.0),
        _weights(8, 4, 3, 0.5),
        _weights(10, 2, 5, -2.0),
        _weights(6, 3, 2, -400.0, note="log-weights near -400", hard=True),
        _apart([0.0, -5_000.0, 4_000.0], [0.0] * 6, "pictures thousands of nats apart"),
        _apart([0.0, 3.0], [0.0, 0, -3_000, -3_000, 2_000, 2_000], "blocks thousands apart"),
        _apart([0.0, 3.0], [0.0, -2_000, 0, 0, -2_000, 0], "draws of a block 2,000 apart"),
    ],
    roles={"log_w": Role(".B")},
    mistakes=(
        Mistake(
            "mean-of-the-logs",
            "You average the log-weights, which is the ELBO: take the log of the mean weight of "
            "each block.",
            lambda log_w, m: log_w.mean(0),
        ),
        Mistake(
            "all-draws",
            "You put all draws into one block, which estimates L_K: cut them into blocks of m.",
            lambda log_w, m: log_w.logsumexp(0) - math.log(len(log_w)),
        ),
        Mistake(
            "one-block",
            "You use one block only: average over all blocks, for less noise.",
            (
                lambda log_w, m: log_w[:m].logsumexp(0) - math.log(m),
                lambda log_w, m: log_w[-m:].logsumexp(0) - math.log(m),
            ),
        ),
        Mistake(
            "m-blocks",
            "You cut the draws into m blocks: cut them into blocks of m draws.",
            _m_blocks,
        ),
        Mistake(
            "every-other",
            "Your blocks hold every (K / m)-th draw: here a block is m consecutive draws.",
            _strided,
        ),
        Mistake(
            "log-m-missing",
            "You add the weights of a block up: it is their mean that counts, so subtract log m.",
            lambda log_w, m: _blocks(log_w, m).logsumexp(1).mean(0),
        ),
        Mistake(
            "log-k-for-log-m",
            "You subtract log K: a block has m draws, so subtract log m.",
            lambda log_w, m: _in_blocks(log_w, m) + math.log(m / len(log_w)),
        ),
        Mistake(
            "log-m-added",
            "You add log m: dividing the sum of the weights by m subtracts it.",
            lambda log_w, m: _in_blocks(log_w, m) + 2 * math.log(m),
        ),
        Mistake(
            "m-not-logged",
            "You subtract m: dividing by m inside a logarithm subtracts log m.",
            lambda log_w, m: _in_blocks(log_w, m) + math.log(m) - m,
        ),
        Mistake(
            "blocks-added",
            "You add the blocks up: average over them.",
            lambda log_w, m: _in_blocks(log_w, m) * (len(log_w) // m),
        ),
        Mistake(
            "best-block",
            "You keep the best block: average over all of them, or the estimate is no bound.",
            lambda log_w, m: (_blocks(log_w, m).logsumexp(1) - math.log(m)).amax(0),
        ),
        Mistake(
            "best-draw",
            "You keep the largest weight of a block: average over its draws.",
            (
                lambda log_w, m: _blocks(log_w, m).amax(1).mean(0),
                lambda log_w, m: _blocks(log_w, m).amax(1).mean(0) - math.log(m),
            ),
        ),
        Mistake(
            "each-block",
            "You return the value of every block: average over the blocks, one value per picture.",
            lambda log_w, m: _blocks(log_w, m).logsumexp(1) - math.log(m),
        ),
        Mistake(
            "one-value",
            "You average over the pictures too: return one value per picture, shape (B,).",
            lambda log_w, m: _in_blocks(log_w, m).mean(),
        ),
        Mistake(
            "not-a-logarithm",
            "Your values are mean weights: return the average of their logarithms.",
            lambda log_w, m: log_w.exp().mean(0),
        ),
        Mistake(
            "loss",
            "The sign is flipped, as a loss would have it: return the bound itself.",
            lambda log_w, m: -_in_blocks(log_w, m),
        ),
        Mistake(
            "largest-of-the-picture",
            "You take the largest of all draws of a picture out before exp: a block that lies far "
            "below it underflows, so take the largest of the block.",
            matches=_takes_out(lambda log_w, blocks: log_w.amax(0)),
            hard=True,
        ),
        Mistake(
            "one-largest-for-all",
            "You take one number out of all log-weights before exp: take the largest of each "
            "block, or torch.logsumexp.",
            matches=_takes_out(lambda log_w, blocks: log_w.max()),
            hard=True,
        ),
        Mistake(
            "not-the-largest",
            "You take another number than the largest of a block out before exp, so that the "
            "largest overflows.",
            matches=_takes_out(
                lambda log_w, blocks: blocks.mean(1, keepdim=True),
                lambda log_w, blocks: blocks.amin(1, keepdim=True),
                lambda log_w, blocks: blocks[:, :1],
            ),
            hard=True,
        ),
        Mistake(
            "overflow",
            "Your values are right for log-weights near 0, but infinite or NaN for log-weights of "
            "some hundreds: use torch.logsumexp within each block.",
            matches=lambda got, want, log_w, m: agree(got, want) or not bool(got.isfinite().all()),
            hard=True,
        ),
    ),
)


@check(BOUND_IN_BLOCKS)
def bound_in_blocks(student: Callable) -> Verdict:
    """Check f(log_w (K, B), m) -> (B,): L_m in nats, averaged over consecutive blocks of m."""
    return judge(student, BOUND_IN_BLOCKS)


def _gap(log_joint: Tensor, log_q: Tensor, cell: float) -> Tensor:
    log_px = log_joint.logsumexp(0) + math.log(cell)
    return _under(log_q, log_q - log_joint + log_px, cell)


def _under(log_p: Tensor, values: Tensor, cell: float) -> Tensor:
    """The integral of p times the values."""
    return (log_p.exp() * values).sum(0) * cell


def _reversed(log_joint: Tensor, log_q: Tensor, cell: float) -> Tensor:
    log_post = log_joint - log_joint.logsumexp(0) - math.log(cell)
    return _under(log_post, log_post - log_q, cell)


def _with_one_largest(log_joint: Tensor, log_q: Tensor, cell: float) -> Tensor:
    """The gap with the largest of all pictures taken out of the joint before exp."""
    largest = log_joint.max()
    log_px = ((log_joint - largest).exp().sum(0) * cell).log() + largest
    return _under(log_q, log_q - log_joint + log_px, cell)


def _on_grid(
    m: int,
    b: int,
    low: float,
    *,
    shift: float = 0.4,
    step: float = 1.0,
    reach: float = 6.0,
    narrow: float = 1.0,
    **options,
) -> Case:
    """Gaussian posteriors and other Gaussians for q on an even grid of a line, which holds both.

    Their distance grows with `shift`; log p(x) falls by `step` from picture to picture. On a grid
    far wider than a narrow posterior, only its largest log-density may be taken out before exp.
    """
    g = torch.Generator().manual_seed(m + b)
    z = torch.linspace(-reach, reach, m, dtype=torch.float64)[:, None]

    def log_normal(mean: Tensor, sd: Tensor) -> Tensor:
        return -0.5 * ((z - mean) / sd) ** 2 - sd.log() - 0.5 * math.log(2 * math.pi)

    mean, away = torch.randn(2, b, generator=g, dtype=torch.float64)
    sd, other = narrow * (0.6 + 0.4 * torch.rand(2, b, generator=g, dtype=torch.float64))
    evidence = low - step * torch.arange(b)
    log_joint = log_normal(mean, sd) + evidence
    args = {"log_joint": log_joint, "log_q": log_normal(mean + shift * away, other)}
    return Case(args | {"cell": 2 * reach / (m - 1)}, **options)


GAP_ON_A_GRID = Exercise(
    name="gap_on_a_grid",
    right=_gap,
    cases=lambda: [
        _on_grid(61, 3, -2.0),
        _on_grid(41, 4, -3.5),
        _on_grid(81, 2, 1.0),
        _on_grid(401, 3, -2.0, shift=6.0, reach=20.0),
        _on_grid(61, 3, -900.0, note="log p(x) near -900", hard=True),
        _on_grid(61, 3, 900.0, step=900.0, note="pictures 900 nats apart", hard=True),
        _on_grid(601, 2, -2.0, reach=20.0, narrow=0.3, note="a narrow posterior", hard=True),
    ],
    roles={"log_joint": Role(".B"), "log_q": Role(".B")},
    mistakes=(
        Mistake(
            "the-other-way-round",
            "You compute KL(posterior || q): the expectation is under q.",
            _reversed,
        ),
        Mistake(
            "posterior-not-normalised",
            "You take the joint for the posterior, which gives -ELBO: divide it by p(x), its "
            "integral.",
            lambda log_joint, log_q, cell: _under(log_q, log_q - log_joint, cell),
        ),
        Mistake(
            "elbo",
            "You return the ELBO: the gap is log p(x) minus it.",
            lambda log_joint, log_q, cell: _under(log_q, log_joint - log_q, cell),
        ),
        Mistake(
            "evidence",
            "You return log p(x): the gap is what the ELBO lacks of it.",
            lambda log_joint, log_q, cell: log_joint.logsumexp(0) + math.log(cell),
        ),
        Mistake(
            "evidence-without-cell",
            "Your log p(x) is a sum over points: an integral is that times cell.",
            lambda log_joint, log_q, cell: _under(
                log_q, log_q - log_joint + log_joint.logsumexp(0), cell
            ),
        ),
        Mistake(
            "evidence-as-a-mean",
            "Your log p(x) is the mean over the points: an integral is their sum times cell.",
            lambda log_joint, log_q, cell: _under(
                log_q,
                log_q - log_joint + log_joint.logsumexp(0) - math.log(len(log_joint)),
                cell,
            ),
        ),
        Mistake(
            "sum-without-cell",
            "Your last sum lacks its cell: an integral is a sum over the points times cell.",
            lambda log_joint, log_q, cell: _gap(log_joint, log_q, cell) / cell,
        ),
        Mistake(
            "no-cell-at-all",
            "You leave cell out everywhere: an integral is a sum over the points times cell.",
            lambda log_joint, log_q, cell: _gap(log_joint, log_q, 1.0),
        ),
        Mistake(
            "mean-over-points",
            "You average over the points of the grid: weight them by q, and sum.",
            lambda log_joint, log_q, cell: (
                log_q - log_joint + log_joint.logsumexp(0) + math.log(cell)
            ).mean(0),
        ),
        Mistake(
            "not-weighted",
            "You sum the log-ratio itself: each point counts by q there.",
            lambda log_joint, log_q, cell: (
                (log_q - log_joint + log_joint.logsumexp(0) + math.log(cell)).sum(0) * cell
            ),
        ),
        Mistake(
            "log-cell-subtracted",
            "You subtract log cell in log p(x): the sum is multiplied by cell, so log cell is "
            "added.",
            lambda log_joint, log_q, cell: _gap(log_joint, log_q, cell) - 2 * math.log(cell),
        ),
        Mistake(
            "evidence-of-all-pictures",
            "You sum log p(x) over the pictures too: each has its own p(x).",
            lambda log_joint, log_q, cell: _under(
                log_q, log_q - log_joint + log_joint.flatten().logsumexp(0) + math.log(cell), cell
            ),
        ),
        Mistake(
            "terms-made-positive",
            "You cut negative terms off, or their sign: the log-ratio is negative where q lies "
            "below the posterior, and counts there too.",
            (
                lambda log_joint, log_q, cell: _under(
                    log_q,
                    (log_q - log_joint + log_joint.logsumexp(0) + math.log(cell)).clamp(min=0),
                    cell,
                ),
                lambda log_joint, log_q, cell: _under(
                    log_q,
                    (log_q - log_joint + log_joint.logsumexp(0) + math.log(cell)).abs(),
                    cell,
                ),
            ),
        ),
        Mistake(
            "both-ways",
            "You add both divergences up: the gap of the ELBO is KL(q || posterior) alone.",
            lambda log_joint, log_q, cell: (
                _gap(log_joint, log_q, cell) + _reversed(log_joint, log_q, cell)
            ),
        ),
        Mistake(
            "under-the-posterior",
            "You weight by the posterior: the expectation is under q.",
            lambda log_joint, log_q, cell: -_reversed(log_joint, log_q, cell),
        ),
        Mistake(
            "entropy-forgotten",
            "Your gap lacks log q: it is the expectation of log q minus log p(z|x).",
            lambda log_joint, log_q, cell: (
                -_under(log_q, log_joint - log_joint.logsumexp(0) - math.log(cell), cell)
            ),
        ),
        Mistake(
            "one-value",
            "You add up over the pictures too: return one value for each, shape (B,).",
            (
                lambda log_joint, log_q, cell: _gap(log_joint, log_q, cell).sum(),
                lambda log_joint, log_q, cell: _gap(log_joint, log_q, cell).mean(),
            ),
        ),
        Mistake(
            "sign",
            "Your gap is negative: it is log q minus log p(z|x), and not the reverse.",
            lambda log_joint, log_q, cell: -_gap(log_joint, log_q, cell),
        ),
        Mistake(
            "one-largest-for-all",
            "You take one number out of the joints of all pictures before exp: take each "
            "picture's largest, or torch.logsumexp(..., dim=0).",
            matches=lambda got, want, *args: agree(got, _with_one_largest(*args)),
            hard=True,
        ),
        Mistake(
            "underflow",
            "Your values are right for log-densities near 0, but infinite or NaN for others: take "
            "each picture's largest out before exp, as torch.logsumexp does.",
            matches=lambda got, want, log_joint, log_q, cell: (
                agree(got, want) or not bool(got.isfinite().all())
            ),
            hard=True,
        ),
    ),
)


@check(GAP_ON_A_GRID)
def gap_on_a_grid(student: Callable) -> Verdict:
    """Check f(log_joint (M, B), log_q (M, B), cell) -> (B,): KL(q || posterior) in nats."""
    return judge(student, GAP_ON_A_GRID)
