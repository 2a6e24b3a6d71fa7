"""Which term of a sum is wrong, and how: missing, of the other sign, doubled, averaged.

An answer that is a sum of terms goes wrong term by term. Given the terms, the factors with which
they stand in a student's result are solved for, and told if they account for it in every case.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from vae_teach.check.engine.diagnose import agree, all_agree
from vae_teach.check.engine.exercise import Case, evaluate

_NEAR = 2e-3  # a factor this near to a number in words is that number
_SURPLUS = 2  # results left over to confirm what the others determined
_MOST = 3  # wrong terms worth listing
_WORDS = {
    0.0: "is missing",
    -1.0: "has the wrong sign",
    2.0: "is twice the right one: look for a missing 1/2",
    -2.0: "has the wrong sign and is twice the right one",
    0.5: "is half the right one: look for a 1/2 too many",
    -0.5: "has the wrong sign and is half the right one",
    1 / math.log(2): "is in bits: use the natural logarithm",
    1 / math.log(10): "has its logarithm to base 10: use the natural one",
}
Term = Callable[..., Tensor]
Explain = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Case]], str | None]


def _in_words(factor: float) -> str:
    close = (text for value, text in _WORDS.items() if abs(factor - value) < _NEAR)
    return next(close, f"is {factor:.4g} times the right one")


def _flat(results: Sequence[Tensor]) -> Tensor:
    return torch.cat([result.reshape(-1) for result in results])


def _factors(got: Tensor, parts: Sequence[Tensor], rest: Tensor | float = 0.0) -> Tensor | None:
    """The factors f with got = rest + sum of f * part, if they account for every value."""
    if len(got) < len(parts) + _SURPLUS:
        return None
    basis = torch.stack(list(parts), dim=1)
    factors = torch.linalg.lstsq(basis, (got - rest)[:, None]).solution[:, 0]
    factors = torch.where((factors - 1).abs() < _NEAR, 1.0, factors)
    return factors if factors.isfinite().all() and agree(got, rest + basis @ factors) else None


def _sizes(cases: Sequence[Case]) -> Iterator[tuple[str, list[int]]]:
    """The whole numbers of each case, sizes of axes and arguments, if they differ by case."""
    for name, first in cases[0].args.items():
        values = [case.args[name] for case in cases]
        if isinstance(first, int) and len(set(values)) > 1:
            yield name, values
        for axis in range(first.ndim if isinstance(first, Tensor) else 0):
            found = [value.shape[axis] for value in values]
            if len(set(found)) > 1:
                yield f"the size of axis {axis} of {name}", found


def _averaged(
    got: Tensor, part: Sequence[Tensor], rest: Tensor, cases: Sequence[Case]
) -> str | None:
    for size, found in _sizes(cases):
        for power, text in ((-1, "divided"), (1, "multiplied")):
            scaled = [p * n**power for p, n in zip(part, found, strict=True)]
            factors = _factors(got, [_flat(scaled)], rest)
            if factors is not None and abs(factors[0]) > _NEAR:
                times = "" if factors[0] == 1 else f", times {factors[0]:.4g}"
                return (
                    f"is {text} by {size}{times}: look for a mean in place of a sum, or the reverse"
                )
    return None


def _one_wrong(
    got: Tensor, want: Tensor, parts: Mapping[str, Sequence[Tensor]], cases: Sequence[Case]
) -> str | None:
    for name, part in parts.items():
        rest = want - _flat(part)
        factors = _factors(got, [_flat(part)], rest)
        if factors is not None:
            return f"{name} {_in_words(factors[0].item())}."
    for name, part in parts.items():
        found = _averaged(got, part, want - _flat(part), cases)
        if found:
            return f"{name} {found}."
    return None


def _several_wrong(
    got: Tensor, parts: Mapping[str, Sequence[Tensor]], groups: Mapping[str, Sequence[str]]
) -> str | None:
    factors = _factors(got, [_flat(part) for part in parts.values()])
    if factors is None:
        return None
    found = dict(zip(parts, factors.tolist(), strict=True))
    for name, members in groups.items():
        values = [found[member] for member in members]
        if max(values) - min(values) < _NEAR:
            found = {name: values[0]} | {k: v for k, v in found.items() if k not in members}
    wrong = [f"{name} {_in_words(factor)}" for name, factor in found.items() if factor != 1]
    if not 0 < len(wrong) <= _MOST:
        return None
    return "; ".join([wrong[0], *(text[0].lower() + text[1:] for text in wrong[1:])]) + "."


def wrong_term(
    terms: Mapping[str, Term], groups: Mapping[str, Sequence[str]] | None = None
) -> Explain:
    """What to say of an answer in which a few of these terms have a wrong factor.

    Args:
        terms: the beginning of a sentence -> the term, as a function of the arguments of a case.
            Their sum is the right answer.
        groups: the same for terms that may go wrong as a whole, by their names.

    Returns:
        A function of the student's results, the right ones and the cases.
    """

    def explain(
        gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]
    ) -> str | None:
        got, want = _flat(gots), _flat(wants)
        if not got.isfinite().all() or _factors(got, [want]) is not None:
            return None  # a factor of the whole is no fault of a term
        parts = {name: [evaluate(term, case) for case in cases] for name, term in terms.items()}
        whole = {
            name: [sum(values) for values in zip(*(parts[m] for m in members), strict=True)]
            for name, members in (groups or {}).items()
        }
        return _one_wrong(got, want, whole | parts, cases) or _several_wrong(
            got, parts, groups or {}
        )

    return explain


def wrong_factor(names: Mapping[str, str], build: Callable[..., Term]) -> Explain:
    """The same for terms inside a function, as in a logarithm of a sum of exponentials.

    Args:
        names: keyword of `build` -> the beginning of a sentence.
        build: build(keyword=factor) -> the answer with that term multiplied by the factor.
    """

    def explain(
        gots: Sequence[Tensor], wants: Sequence[Tensor], cases: Sequence[Case]
    ) -> str | None:
        for keyword, name in names.items():
            for factor, text in _WORDS.items():
                answer = build(**{keyword: factor})
                if all_agree(gots, [evaluate(answer, case) for case in cases]):
                    return f"{name} {text}."
        return None

    return explain
