"""Bad arguments: each is refused by name, with what was wanted and what was found."""

import math

import numpy as np
import pytest
import torch

from vae_teach.validation import kind, require_floats, require_rows


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "None"),
        ("0.5", "a str"),
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
    assert [kind(v) for v in (None, 1, 1.0, [])] == ["None", "an int", "a float", "a list"]
