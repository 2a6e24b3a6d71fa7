"""The check of `two_point_bound` (chapter 4): evidence, bound and gap worked out by hand."""

import math
from typing import Any

from vae_teach.check.engine.answers import is_open, read_dictionary, read_number
from vae_teach.check.engine.call import Fault
from vae_teach.check.engine.exercise import deliver
from vae_teach.check.engine.registry import check
from vae_teach.check.engine.verdict import Verdict

PRIOR, LIKELIHOOD, Q = (0.5, 0.5), (0.9, 0.1), (0.8, 0.2)
TOLERANCE = 0.0011  # three decimals, cut or rounded, of terms rounded before or of a difference
KEYS = ("log_evidence", "elbo", "gap")


def _expect(values: list[float], weights: tuple[float, ...] = Q) -> float:
    return sum(w * v for w, v in zip(weights, values, strict=True))


def _kl(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return _expect([math.log(a / b) for a, b in zip(one, other, strict=True)], one)


def _bound(q: tuple[float, ...], weights: tuple[float, ...], joint: tuple[float, ...]) -> float:
    return _expect([math.log(j / a) for j, a in zip(joint, q, strict=True)], weights)


def _numbers() -> dict[str, float]:
    """What the hints speak of, by name."""
    joint = tuple(p * lik for p, lik in zip(PRIOR, LIKELIHOOD, strict=True))
    evidence = sum(joint)
    posterior = tuple(j / evidence for j in joint)
    logs = [math.log(lik) for lik in LIKELIHOOD]
    log_lik, kl_prior, gap = _expect(logs), _kl(Q, PRIOR), _kl(Q, posterior)
    turned = Q[::-1]
    return {
        "log_evidence": math.log(evidence),
        "elbo": log_lik - kl_prior,
        "gap": gap,
        "evidence": evidence,
        "log_sum": math.log(sum(LIKELIHOOD)),
        "log_of_mean_under_q": math.log(_expect(list(LIKELIHOOD))),
        "mean_of_logs": _expect(logs, PRIOR),
        "sum_of_log_joint": sum(math.log(j) for j in joint),
        "first_joint": math.log(joint[0]),
        "evidence_sign": -math.log(evidence),
        "log_lik": log_lik,
        "kl_added": log_lik + kl_prior,
        "misprint": log_lik - gap,
        "log_joint": _expect([math.log(j) for j in joint]),
        "log_of_mean": math.log(_expect(list(LIKELIHOOD))) - kl_prior,
        "kl_turned": log_lik - _kl(PRIOR, Q),
        "under_the_prior": _bound(Q, PRIOR, joint),
        "q_exchanged": _bound(turned, turned, joint),
        "gap_added": math.log(evidence) + gap,
        "gap_swapped": math.log(evidence) - _kl(posterior, Q),
        "q_equal": _bound(PRIOR, PRIOR, joint),
        "swapped": _kl(posterior, Q),
        "kl_prior": kl_prior,
        "kl_prior_turned": _kl(PRIOR, Q),
        "gap_exchanged": _kl(turned, posterior),
        "gap_to_joint": _kl(Q, joint),
    }


# name: (key, the number it gives, hint)
SLIPS = {
    "evidence-not-logged": ("log_evidence", "evidence", "Your log_evidence is p(x): take its log."),
    "prior-left-out": (
        "log_evidence",
        "log_sum",
        "Your log_evidence leaves the prior out: weight each p(x|z) by 1/2 before you add.",
    ),
    "evidence-under-q": (
        "log_evidence",
        "log_of_mean_under_q",
        "Your log_evidence weights p(x|z) by q: weight it by the prior.",
    ),
    "evidence-mean-of-logs": (
        "log_evidence",
        "mean_of_logs",
        "Your log_evidence is an average of logs: add the probabilities, then take one log.",
    ),
    "evidence-sum-of-logs": (
        "log_evidence",
        "sum_of_log_joint",
        "Your log_evidence is a sum of logs: add the probabilities, then take one log.",
    ),
    "evidence-of-one-value": (
        "log_evidence",
        "first_joint",
        "Your log_evidence is that of z = 0 alone: add p(x, z) over both values of z.",
    ),
    "kl-forgotten": ("elbo", "log_lik", "Your elbo lacks its KL term, KL(q || p(z))."),
    "kl-added": ("elbo", "kl_added", "You add the KL term in the elbo: subtract it."),
    "kl-turned": (
        "elbo",
        "kl_turned",
        "Your elbo subtracts KL(p(z) || q): it must be KL(q || p(z)).",
    ),
    "kl-to-the-posterior": (
        "elbo",
        "misprint",
        "Your elbo subtracts KL to the posterior: it must be KL to the prior, p(z).",
    ),
    "entropy-forgotten": (
        "elbo",
        "log_joint",
        "Your elbo lacks the entropy of q: subtract the expected log q(z) too.",
    ),
    "log-of-the-mean": (
        "elbo",
        "log_of_mean",
        "Your elbo takes the log of an average: average the logs under q.",
    ),
    "under-the-prior": (
        "elbo",
        "under_the_prior",
        "Your elbo takes its expectation under the prior: it must be under q.",
    ),
    "q-exchanged": (
        "elbo",
        "q_exchanged",
        "Your elbo has q(0) = 0.2: it is 0.8, and q(1) = 0.2.",
    ),
    "elbo-from-the-swapped-gap": (
        "elbo",
        "gap_swapped",
        "Your elbo is log evidence - KL(posterior || q): the gap is KL(q || posterior).",
    ),
    "q-equal": (
        "elbo",
        "q_equal",
        "Your elbo has q(0) = q(1) = 1/2: q(0) is 0.8.",
    ),
    "gap-added": (
        "elbo",
        "gap_added",
        "Your elbo lies above the log evidence by the gap: it lies below.",
    ),
    "gap-swapped": (
        "gap",
        "swapped",
        "Your gap is KL(posterior || q): the expectation must be under q.",
    ),
    "gap-to-the-prior": ("gap", "kl_prior", "Your gap is KL to the prior: it is KL to p(z|x)."),
    "gap-from-the-prior": (
        "gap",
        "kl_prior_turned",
        "Your gap is KL(p(z) || q): it is KL(q || p(z|x)).",
    ),
    "gap-exchanged": (
        "gap",
        "gap_exchanged",
        "Your gap has q(0) = 0.2: it is 0.8, and q(1) = 0.2.",
    ),
    "gap-to-the-joint": (
        "gap",
        "gap_to_joint",
        "Your gap is -elbo, as q divided by p(x, z) gives it: divide q by the posterior p(z|x).",
    ),
}
BASES = {
    "bits": (math.log(2), "Your {where} is in bits: use the natural logarithm, which gives nats."),
    "base-ten": (
        math.log(10),
        "Your {where} has a logarithm to base 10: use the natural one, which gives nats.",
    ),
}
ROUNDED = "Your {where} is rounded to fewer than three decimals: give at least three."
EXCHANGED = "Your {where} is the number that belongs to {other}."
SIGN = "The sign of {where} is flipped."
OTHER = "Your {where} is not right: log evidence = elbo + gap does not hold for your numbers."
CONSISTENT = (
    "Your {where} is not right, although log evidence = elbo + gap holds for your numbers: "
    "work it out from its definition."
)
OPEN = "Your answer for {where} is still open."
HINTS = {name: hint for name, (_, _, hint) in SLIPS.items()}
HINTS |= {name: hint for name, (_, hint) in BASES.items()}
HINTS |= {
    "sign": SIGN,
    "rounded": ROUNDED,
    "exchanged": EXCHANGED,
    "other": OTHER,
    "consistent": CONSISTENT,
    "still-open": OPEN,
}


def _close(value: float, target: float) -> bool:
    return abs(value - target) <= TOLERANCE


def _read(answer: Any) -> dict[str, float]:
    values = read_dictionary(answer, KEYS)
    for key, value in values.items():
        if is_open(value):
            raise Fault(OPEN.format(where=key))
        values[key] = read_number(value, key)
    return values


def _fault_of(key: str, values: dict[str, float], right: dict[str, float]) -> str:
    """The sentence for a key whose number is wrong."""
    value = values[key]
    for of, name, hint in SLIPS.values():
        if of == key and _close(value, right[name]):
            return hint
    if _close(-value, right[key]):
        return SIGN.format(where=key)
    for unit, hint in BASES.values():
        if _close(value * unit, right[key]):
            return hint.format(where=key)
    if any(abs(value - round(right[key], decimals)) < 1e-9 for decimals in range(3)):
        return ROUNDED.format(where=key)
    for other in KEYS:
        if other != key and _close(value, right[other]):
            return EXCHANGED.format(where=key, other=other)
    gap = values["log_evidence"] - values["elbo"] - values["gap"]
    return (CONSISTENT if abs(gap) <= TOLERANCE else OTHER).format(where=key)


def _examine_bound(answer: Any) -> None:
    values, right = _read(answer), _numbers()
    for unit, hint in BASES.values():  # of all three first: one alone may be another slip's number
        if all(_close(values[key] * unit, right[key]) for key in KEYS):
            raise Fault(hint.format(where=KEYS[0]))
    for key in KEYS:
        if not _close(values[key], right[key]):
            raise Fault(_fault_of(key, values, right))


@check(HINTS)
def two_point_bound(answer: dict[str, float | None]) -> Verdict:
    """Check the names log_evidence, elbo and gap -> their values in nats, to three decimals."""
    return deliver("two_point_bound", lambda: _examine_bound(answer))
