"""The Python halves of chapter 14's two widgets: what they accept, refuse, and write to a page."""

import pytest
import torch
import traitlets

from vae_teach.models import VAE
from vae_teach.models.conditional import CVAE, Regressor, join
from vae_teach.widgets import ColumnPainter, ConditionalExplorer
from vae_teach.widgets.parts.conditional_decoder import decoder_steps, prior_steps, regressor_steps


def label_cvae(**options) -> CVAE:
    return CVAE(784, 10, (20,), 3, (20,), seed=0, **options)


def column_models() -> tuple[CVAE, Regressor]:
    return CVAE(756, 28, (20,), 4, (20,), seed=0), Regressor(756, 28, (20,), seed=0)


def run_steps(steps, x):
    """The steps in PyTorch, as the browser takes them."""
    for step in steps:
        if step.kind == "dense":
            x = x @ step.weight.T + step.bias
        else:
            x = {"relu": torch.relu, "sigmoid": torch.sigmoid}[step.kind](x)
    return x


# --- the networks as steps ---


@pytest.mark.parametrize("likelihood", ["bernoulli", {"name": "gaussian", "sigma_x": 0.5}], ids=str)
def test_the_steps_end_in_the_models_own_pixels(likelihood):
    """Fails if a sigmoid is added to a Gaussian's mean, or left out of a Bernoulli's."""
    model = label_cvae(likelihood=likelihood)
    z, c = torch.randn(5, 3, generator=torch.Generator().manual_seed(1)), torch.eye(10)[:5]
    with torch.no_grad():
        shown, wanted = run_steps(decoder_steps(model), join(z, c)), model.mean_image(z, c)
    torch.testing.assert_close(shown, wanted, atol=1e-6, rtol=1e-5)  # float32 sums


def test_the_regressors_steps_end_in_its_own_pixels():
    _, regressor = column_models()
    c = torch.eye(28)[:5]
    with torch.no_grad():
        shown, wanted = run_steps(regressor_steps(regressor), c), regressor.mean_image(c)
    torch.testing.assert_close(shown, wanted, atol=1e-6, rtol=1e-5)


def test_the_priors_steps_give_mean_and_log_variance():
    model = label_cvae(prior_hidden=(7,))
    c = torch.eye(10)
    with torch.no_grad():
        both = torch.cat(model.prior(c), dim=-1)
        torch.testing.assert_close(run_steps(prior_steps(model), c), both, atol=1e-6, rtol=1e-5)
    assert prior_steps(label_cvae()) == []


def test_a_decoder_that_sees_no_condition_is_refused():
    """Its pictures would not change with the request, and its input has no room for one."""
    with pytest.raises(ValueError, match="condition_in must be 'decoder' or 'both'"):
        decoder_steps(label_cvae(condition_in="encoder"))


def test_models_of_another_class_are_named():
    with pytest.raises(TypeError, match="not a VAE"):
        ConditionalExplorer.from_model(VAE(784, (8,), 3, (8,)))
    cvae, regressor = column_models()
    with pytest.raises(TypeError, match="not a CVAE"):
        regressor_steps(cvae)
    with pytest.raises(TypeError, match="not a Regressor"):
        decoder_steps(regressor)


# --- the conditional explorer ---


def test_the_explorer_starts_in_the_middle_of_its_first_class():
    plain = ConditionalExplorer.from_model(label_cvae())
    assert plain.mix == [1.0] + [0.0] * 9 and plain.z == [0.0, 0.0, 0.0]
    model = label_cvae(prior_hidden=(7,))
    learned = ConditionalExplorer.from_model(model)
    assert learned.z == pytest.approx(model.prior(torch.eye(10)[0])[0].tolist())
    assert learned.prior_steps and not plain.prior_steps
    assert repr(plain) == "ConditionalExplorer(10 classes, 3 latent, p(z | c) = N(0, I))"
    assert "p(z | c) learned" in repr(learned)


def test_colours_are_drawn_as_light_and_grey_as_ink():
    colour = CVAE(3 * 16, 10, (8,), 2, (8,), likelihood={"name": "gaussian", "sigma_x": 0.5})
    assert ConditionalExplorer.from_model(colour, image_shape=(3, 4, 4)).ink == "white"
    assert ConditionalExplorer.from_model(label_cvae()).ink == "black"


def test_a_model_without_a_condition_is_refused():
    with pytest.raises(ValueError, match="condition_size is 0"):
        ConditionalExplorer.from_model(CVAE(784, 0, (8,), 2, (8,)))


def test_the_condition_is_the_share_of_each_weight():
    explorer = ConditionalExplorer.from_model(label_cvae())
    explorer.mix = [3.0, 1.0] + [0.0] * 8
    assert explorer.condition == [0.75, 0.25] + [0.0] * 8


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("mix", [1.0] * 9, "mix has 9 weights for 10 classes"),
        ("mix", [0.0] * 10, "not all 0"),
        ("mix", [-1.0] + [1.0] * 9, "at least 0"),
        ("mix", [float("nan")] + [1.0] * 9, "at least 0"),
        ("z", [0.0, 0.0], "z has 2 values but the decoder takes 3"),
        ("z", [0.0, 0.0, float("inf")], "z must be finite"),
        ("axes", [0, 3], "from 0 to 2"),
        ("axes", [0], "two different dimensions"),
        ("axes", [1, 1], "two different dimensions"),
    ],
)
def test_a_wrong_request_is_refused_and_the_old_one_kept(trait, value, message):
    explorer = ConditionalExplorer.from_model(label_cvae())
    old = getattr(explorer, trait)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == old


def test_too_few_names_are_refused():
    with pytest.raises(ValueError, match="names has 2 names but the condition has 10"):
        ConditionalExplorer.from_model(label_cvae(), names=["shirt", "boot"])


# --- the column painter ---


def test_the_painter_starts_from_the_first_example():
    examples = torch.zeros(3, 28)
    examples[0, 5:9] = 1
    painter = ColumnPainter.from_models(*column_models(), examples, n_draws=5)
    assert [row for row, value in enumerate(painter.given) if value] == [5, 6, 7, 8]
    assert (len(painter.noise), len(painter.noise[0])) == (5, 4)
    assert painter.examples == bytes(examples.flatten().int().tolist())
    assert repr(painter) == "ColumnPainter(28x28, column 13, a CVAE and a regressor)"
    alone = ColumnPainter.from_models(column_models()[0])
    assert alone.given == [0] * 28 and repr(alone).endswith("13, a CVAE)")


def test_the_draws_depend_on_the_seed_alone():
    """Fails if the noise comes from the global generator."""
    first, again, other = (ColumnPainter.from_models(*column_models(), seed=s) for s in (1, 1, 2))
    assert first.noise == again.noise != other.noise


def test_models_of_another_task_are_refused_naming_both_sizes():
    cvae, _ = column_models()
    with pytest.raises(ValueError, match=r"the cvae makes 784 pixels of 10, .* 756 given 28"):
        ColumnPainter.from_models(label_cvae())
    with pytest.raises(ValueError, match="the regressor makes 700 pixels of 28"):
        ColumnPainter.from_models(cvae, Regressor(700, 28, (20,)))
    with pytest.raises(ValueError, match=r"examples have shape \(2, 27\), but a column has 28"):
        ColumnPainter.from_models(cvae, examples=torch.zeros(2, 27))
    with pytest.raises(ValueError, match="n_draws must be at least 1"):
        ColumnPainter.from_models(cvae, n_draws=0)
    with pytest.raises(ValueError, match=r"0 and 1 only, but they go from 0 to 0.5"):
        ColumnPainter.from_models(cvae, examples=torch.zeros(2, 28).fill_diagonal_(0.5))


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("given", [0] * 27, "given has 27 pixels but the column has 28"),
        ("given", [2] + [0] * 27, "0 and 1 only"),
        ("noise", [], "must hold 8 draws of 4 numbers, but it holds 0, of "),
        (
            "noise",
            [[0.0] * 4] * 2,
            "must hold 8 draws of 4 numbers, but it holds 2, of .4. numbers",
        ),
        (
            "noise",
            [[0.0] * 3] * 8,
            "must hold 8 draws of 4 numbers, but it holds 8, of .3. numbers",
        ),
        ("noise", [[0.0] * 3 + [float("nan")]] * 8, "finite"),
    ],
)
def test_a_wrong_column_is_refused_and_the_old_one_kept(trait, value, message):
    painter = ColumnPainter.from_models(*column_models())
    old = getattr(painter, trait)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(painter, trait, value)
    assert getattr(painter, trait) == old


# --- the pages ---


def test_both_pages_of_chapter_9_together_stay_within_the_budget(tmp_path):
    """A page of the book has 1.5 MB for widgets, figures and text; sizes as the chapter trains."""
    label = CVAE(784, 10, (300,), 4, (180,), seed=0)
    cvae, regressor = CVAE(756, 28, (110,), 8, (110,)), Regressor(756, 28, (110,))
    codes = torch.randn(800, 4, generator=torch.Generator().manual_seed(0))
    explorer = ConditionalExplorer.from_model(label, codes, torch.arange(800) % 10)
    painter = ColumnPainter.from_models(cvae, regressor, torch.zeros(100, 28))
    pages = [w.to_html(tmp_path / f"{type(w).__name__}.html") for w in (explorer, painter)]
    assert sum(page.stat().st_size for page in pages) < 850_000
