"""Bad arguments: each is refused by name, with what was wanted and what was found."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_teach.estimators.continuous import pathwise
from vae_teach.maths.gaussian import log_normal
from vae_teach.validation import (
    AT_LEAST_1,
    POSITIVE,
    checked,
    kind,
    require_floats,
    require_rows,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "None"),
        ("0.5", "a str, '0.5'"),
        (np.zeros(3), "a ndarray"),
        (torch.zeros(3, dtype=torch.uint8), "a tensor of torch.uint8"),
        (torch.tensor([0.5, math.nan]), "NaN"),
        (torch.tensor([0.5, math.inf]), "from 0.5 to inf"),
        (torch.tensor([0.5, 1.25]), "from 0.5 to 1.25"),
        (torch.tensor([-0.25, 1]), "from -0.25 to 1"),
    ],
    ids=str,
)
def test_what_is_no_row_of_numbers_in_range_is_refused_by_name(value, found):
    """Catches a NaN that every comparison lets pass, and an end that is not looked at."""
    with pytest.raises(ValueError, match=f"pixels must be .*floats from 0 to 1, .*{found}"):
        require_floats(value, "pixels", 0, 1)


@pytest.mark.parametrize("values", [[], [0.0], [1.0], [0.0, 0.5, 1.0]], ids=str)
def test_both_ends_and_an_empty_tensor_pass(values):
    require_floats(torch.tensor(values), "pixels", 0, 1)


def test_without_ends_any_finite_value_passes():
    require_floats(torch.tensor([-1e38, 1e38]), "x")
    with pytest.raises(ValueError, match=r"x must be a tensor of finite floats, but .* to inf"):
        require_floats(torch.tensor([math.inf]), "x")


def test_rows_are_looked_at_for_type_length_and_precision():
    weight = torch.zeros(1)
    require_rows(torch.zeros(2, 3), "z", 3, like=weight)
    with pytest.raises(ValueError, match="z has 2 values but the model was built for 3"):
        require_rows(torch.zeros(2), "z", 3)
    with pytest.raises(ValueError, match="z has 0 values"):
        require_rows(torch.tensor(1.0), "z", 3)
    with pytest.raises(ValueError, match=r"z is a tensor of torch.float64, but .* torch.float32"):
        require_rows(torch.zeros(3, dtype=torch.float64), "z", 3, like=weight)
    with pytest.raises(ValueError, match="z must be a tensor of floats, but it is a list"):
        require_rows([0.0, 0.0, 0.0], "z", 3)


def test_kinds_are_named_with_their_article():
    assert [kind(v) for v in (None, 1, 1.0, [])] == ["None", "an int", "a float, 1.0", "a list"]


@checked(n=AT_LEAST_1, sigma=POSITIVE)
def sample(
    mu: Tensor,
    n: int = 1,
    *,
    sigma: float = 1.0,
    sizes: tuple[int, ...] = (3,),
    shape: tuple[int, int] = (2, 2),
    f: Callable[[Tensor], Tensor] | None = None,
    generator: torch.Generator | None = None,
    closed: bool = True,
    name: str = "",
    either: Tensor | float = 0.0,
) -> Tensor:
    """Adds two vectors, so that those of another length do not fit."""
    return (mu if f is None else f(mu)) + torch.zeros(3)


MU = torch.zeros(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mu": None}, "mu must be a tensor of real numbers, but it is None"),
        ({"mu": np.zeros(3)}, "mu must be a tensor .* but it is a ndarray"),
        ({"mu": torch.zeros(3, dtype=torch.complex64)}, "mu must be .* real numbers"),
        ({"n": True}, "n must be a whole number, at least 1, but it is True"),
        ({"n": 2.0}, "n must be a whole number, at least 1, but it is a float, 2.0"),
        ({"n": "3"}, "n must be a whole number, at least 1, but it is a str, '3'"),
        ({"n": 0}, "n must be at least 1, but it is 0"),
        ({"sigma": 0}, "sigma must be positive and finite, but it is 0"),
        ({"sigma": math.nan}, "sigma must be positive and finite, but it is nan"),
        ({"sigma": math.inf}, "sigma must be positive and finite, but it is inf"),
        ({"sigma": True}, "sigma must be positive and finite, but it is True"),
        ({"sigma": None}, "sigma must be positive and finite, but it is None"),
        ({"sizes": "ab"}, "sizes must be a tuple of whole numbers, but it is a str"),
        ({"sizes": (3, 2.5)}, r"sizes\[1\] must be a whole number, but it is a float, 2.5"),
        ({"shape": (3,)}, r"shape must be 2 whole numbers, but it is \(3,\)"),
        ({"f": 3}, "f must be a function, but it is an int"),
        ({"generator": 0}, "generator must be a torch.Generator, such as .*, but it is an int"),
        ({"closed": "no"}, "closed must be True or False, but it is a str, 'no'"),
        ({"name": 0}, "name must be a text, but it is an int"),
    ],
    ids=str,
)
def test_an_argument_that_is_not_what_its_hint_says_is_refused(arguments, message):
    """Catches what was taken in silence, or answered with a line from the depths of torch."""
    with pytest.raises(ValueError, match=message):
        sample(**{"mu": MU, **arguments})


def test_what_the_hints_allow_is_let_through():
    assert sample(MU, np.int64(2), sigma=3, sizes=[], f=None, generator=None, either="x").ndim == 1
    assert sample.__name__ == "sample" and "either" in inspect.signature(sample).parameters


def test_tensors_that_do_not_go_together_are_named():
    """torch names neither the argument nor the function. Whoever waits for its error still can."""
    message = (
        r"tensors of log_normal do not go together: x is \(4, 3\) float32, mu is \(5, 3\) float32, "
        r"logvar is \(5, 3\) float64 \(The size of tensor a"
    )
    with pytest.raises(ValueError, match=message) as caught:
        log_normal(torch.zeros(4, 3), torch.zeros(5, 3), logvar=torch.zeros(5, 3).double())
    assert isinstance(caught.value, RuntimeError)


def test_an_error_of_the_callers_own_function_stays_as_it_is():
    """Fails if the fault of a reader's function is laid to the tensors that it was called with."""
    with pytest.raises(RuntimeError, match="The size of tensor a") as caught:
        pathwise(lambda z: z + torch.zeros(7), MU, MU, torch.zeros(2, 3))
    assert not isinstance(caught.value, ValueError)


def test_a_class_is_checked_where_it_is_made():
    @checked(sigma=POSITIVE)
    @dataclass(frozen=True)
    class Noise:
        sigma: float

    assert Noise(0.5).sigma == 0.5
    with pytest.raises(ValueError, match="sigma must be positive and finite, but it is -1"):
        Noise(-1)
