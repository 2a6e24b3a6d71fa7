"""The answers of chapter 4 that are written down, not programmed: a bound by hand, a misprint."""

import math
import re
from typing import Any

from vae_teach.check._answers import is_open, read_dictionary
from vae_teach.check._call import Fault
from vae_teach.check._exercise import deliver
from vae_teach.check._verdict import NOT_ATTEMPTED, Verdict
from vae_teach.check._words import kind

PRIOR, LIKELIHOOD, Q = (0.5, 0.5), (0.9, 0.1), (0.8, 0.2)
TOLERANCE = 0.002  # three decimals, and one unit of rounding in a sum of two
KEYS = ("log_evidence", "elbo", "gap")


def _expect(values: list[float], weights: tuple[float, ...] = Q) -> float:
    return sum(w * v for w, v in zip(weights, values, strict=True))


def _numbers() -> dict[str, float]:
    """What the hints speak of, by name."""
    joint = [p * lik for p, lik in zip(PRIOR, LIKELIHOOD, strict=True)]
    evidence = sum(joint)
    posterior = [j / evidence for j in joint]
    log_lik = _expect([math.log(lik) for lik in LIKELIHOOD])
    kl_prior = _expect([math.log(q / p) for q, p in zip(Q, PRIOR, strict=True)])
    gap = _expect([math.log(q / p) for q, p in zip(Q, posterior, strict=True)])
    swapped = _expect(
        [math.log(p / q) for q, p in zip(Q, posterior, strict=True)], tuple(posterior)
    )
    return {
        "log_evidence": math.log(evidence),
        "elbo": log_lik - kl_prior,
        "gap": gap,
        "evidence": evidence,
        "log_sum": math.log(sum(LIKELIHOOD)),
        "log_lik": log_lik,
        "kl_added": log_lik + kl_prior,
        "misprint": log_lik - gap,
        "log_joint": _expect([math.log(j) for j in joint]),
        "log_of_mean": math.log(_expect(list(LIKELIHOOD))) - kl_prior,
        "swapped": swapped,
        "kl_prior": kl_prior,
    }


# name: (key, the number it gives, hint)
SLIPS = {
    "evidence-not-logged": ("log_evidence", "evidence", "Your log_evidence is p(x): take its log."),
    "prior-left-out": (
        "log_evidence",
        "log_sum",
        "Your log_evidence leaves the prior out: weight each p(x|z) by 1/2 before you add.",
    ),
    "kl-forgotten": ("elbo", "log_lik", "Your elbo lacks its KL term, KL(q || p(z))."),
    "kl-added": ("elbo", "kl_added", "You add the KL term in the elbo: subtract it."),
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
    "gap-swapped": (
        "gap",
        "swapped",
        "Your gap is KL(posterior || q): the expectation must be under q.",
    ),
    "gap-to-the-prior": ("gap", "kl_prior", "Your gap is KL to the prior: it is KL to p(z|x)."),
}
BITS = "Your numbers are in bits: use the natural logarithm, which gives nats."
SIGN = "The sign of {where} is flipped."
OTHER = "Your {where} is not right: check it with log evidence = elbo + gap."
OPEN = "Your answer for {where} is still open."
BOUND_HINTS = {name: hint for name, (_, _, hint) in SLIPS.items()}
BOUND_HINTS |= {"bits": BITS, "sign": SIGN, "other": OTHER, "still-open": OPEN}


def _close(value: float, target: float) -> bool:
    return abs(value - target) <= TOLERANCE


def _read(answer: Any) -> dict[str, float]:
    values = read_dictionary(answer, KEYS)
    for key, value in values.items():
        if is_open(value):
            raise Fault(OPEN.format(where=key))
        try:
            values[key] = float(value)
        except Exception:  # whatever a tensor, an array or a huge integer makes of float()
            raise Fault(f"Your answer for {key} is {kind(value)}: give a number.") from None
    return values


def _examine_bound(answer: Any) -> None:
    values, right = _read(answer), _numbers()
    wrong = [key for key in KEYS if not _close(values[key], right[key])]
    if len(wrong) == 3 and all(_close(values[k] * math.log(2), right[k]) for k in KEYS):
        raise Fault(BITS)
    for key in wrong:
        for of, name, hint in SLIPS.values():
            if of == key and _close(values[key], right[name]):
                raise Fault(hint)
        if _close(-values[key], right[key]):
            raise Fault(SIGN.format(where=key))
        raise Fault(OTHER.format(where=key))


def two_point_bound(answer: dict[str, float | None]) -> Verdict:
    """Check the names log_evidence, elbo and gap -> their values in nats, to three decimals."""
    return deliver("two_point_bound", lambda: _examine_bound(answer))


MISPRINT_HINTS = {
    "unchanged": "That is what the source prints: with it, bound plus gap is not the evidence.",
    "evidence": "The evidence p(x) is a number: a divergence needs a density of z there.",
    "encoder": "The divergence of q from itself is 0: nothing would hold the codes near the prior.",
    "likelihood": "The likelihood p(x|z) is a density of x: a divergence of q needs one of z.",
    "joint": "The joint p(x, z) does not integrate to 1 over z: a divergence needs a density of z.",
    "unread": "Your answer names no density that stands in the chapter's bound: look at the last "
    "line of the derivation by Jensen.",
}
READINGS = {
    "p(z)": None,
    "prior": None,
    "p(z|x)": "unchanged",
    "posterior": "unchanged",
    "p(x)": "evidence",
    "evidence": "evidence",
    "q(z)": "encoder",
    "q(z|x)": "encoder",
    "p(x|z)": "likelihood",
    "likelihood": "likelihood",
    "p(x,z)": "joint",
    "p(z,x)": "joint",
}


def _plain(answer: str) -> str:
    """The density named, without spaces, TeX, the indices of x and z, and the words around it."""
    plain = re.sub(r"\\mid|\\vert|\\given", "|", answer.lower())
    plain = re.sub(r"\\?(theta|phi)", "", plain)
    plain = re.sub(r"[\s$\\_{}]|^the\b", "", plain)
    plain = re.sub(r"(?<=[xz])\^?(\(i\)|i)", "", plain)
    plain = re.sub(r"^(kl|d)\(q(\(z\|?x?\))?\|\|(.*)\)$", r"\3", plain)
    return re.sub(r"^(prior|posterior|evidence|likelihood)(?=[pq]\()", "", plain)


def _examine_misprint(answer: Any) -> None:
    if is_open(answer):
        raise Fault(NOT_ATTEMPTED)
    if not isinstance(answer, str):
        raise Fault(f"Your answer is {kind(answer)}: give a string, such as 'p(x)'.")
    plain = _plain(answer)
    name = READINGS.get(plain, "unread")
    if name is not None:
        raise Fault(MISPRINT_HINTS[name])


def find_misprint(answer: str | None) -> Verdict:
    """Check "KL(q(z|x_i) || p(z|x_i))" -> what belongs in the second place, as a string."""
    return deliver("find_misprint", lambda: _examine_misprint(answer))
