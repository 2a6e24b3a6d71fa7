"""Recording a model while it trains: the right steps, fixed inputs, no trace left in the run."""

import io
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from vae_teach import VAE, fit
from vae_teach.plots import CLASS_COLOURS
from vae_teach.snapshots import (
    Recorder,
    Snapshot,
    class_png,
    log_moments,
    save_scalars,
    save_sheets,
    sheet_png,
)


def images(n=64):
    return torch.rand(n, 16, generator=torch.Generator().manual_seed(0))


def small():
    return VAE(16, (8,), 2, (8,), seed=0)


def train(recorder, *, model=None, epochs=2):
    model = small() if model is None else model
    fit(
        model,
        images(),
        epochs=epochs,
        batch_size=16,
        device="cpu",
        progress=False,
        on_step=recorder,
    )
    return model


def test_moments_are_the_sources_without_its_double_first_frame():
    """Row V5: round(2^(k/2)) for k = 0 ... 32. Catches a frame lost at an exact power of two."""
    moments = log_moments(2**16)
    assert moments[:12] == [0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45]
    assert moments[1:] == sorted({round(2 ** (k / 2)) for k in range(33)})
    assert len(moments) == 33 and moments[-1] == 2**16
    assert log_moments(1) == [0, 1]
    assert log_moments(10, per_doubling=1) == [0, 1, 2, 4, 8]


def test_moments_without_a_step_are_refused():
    with pytest.raises(ValueError, match="they are 0 and 2"):
        log_moments(0)
    with pytest.raises(ValueError, match="they are 8 and 0"):
        log_moments(8, per_doubling=0)


def test_it_records_the_moments_asked_and_no_other():
    recorder = Recorder([0, 1, 3, 8, 99], mu=lambda m: m.encode(images())[0])
    train(recorder)
    assert recorder.steps == [0, 1, 3, 8]  # 2 epochs of 4 steps; step 99 never comes
    assert recorder.at(3)["mu"].shape == (64, 2)
    with pytest.raises(KeyError, match=r"no snapshot of step 2; there are \[0, 1, 3, 8\]"):
        recorder.at(2)


def test_first_and_last_snapshot_are_the_untrained_and_the_trained_model():
    """Catches a hook that is called before the step, and a look that is kept as a view."""
    recorder = Recorder([0, 8], bias=lambda m: m.to_mu.bias, mu=lambda m: m.encode(images())[0])
    trained = train(recorder)
    for snapshot, model in zip(recorder.snapshots, [small(), trained], strict=True):
        assert torch.equal(snapshot["bias"], model.to_mu.bias)
        torch.testing.assert_close(snapshot["mu"], model.encode(images())[0])
    assert not torch.equal(recorder.at(0)["bias"], recorder.at(8)["bias"])
    assert not recorder.at(8)["bias"].requires_grad


def test_watching_does_not_change_what_is_learned():
    """Dropout switched off for the rest of the epoch, or noise drawn from the training's stream."""
    looks = {
        "mu": lambda m: m.encode(images())[0],
        "grid": lambda m: m.mean_image(torch.zeros(3, 2)),
    }
    watched, alone = train(Recorder(range(9), **looks)), train(None)
    for a, b in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_model_is_looked_at_in_evaluation_mode_and_put_back():
    modes = []

    def look(model):
        modes.append(model.training)
        return torch.zeros(1)

    model = small().train()
    Recorder([5], look=look)(5, model)
    assert modes == [False] and model.training

    def failing(model):
        raise RuntimeError("no look")

    with pytest.raises(RuntimeError):
        Recorder([5], look=failing)(5, model)
    assert model.training


def test_sheets_sort_in_time_and_hold_the_pictures(tmp_path):
    """Trap T9: frame_10 before frame_2. Trap T54: values 0 and 1 saved as nearly black."""
    pictures = torch.tensor([[0.0, 1.0, 0.5, 0.0], [1.0, 1.0, 1.0, 1.0]])
    snapshots = [Snapshot(step, {"prior": pictures}) for step in (0, 2, 10, 128)]
    files = save_sheets(snapshots, tmp_path / "run", ["prior"], columns=2, image_shape=(2, 2))
    assert sorted(files) == files
    assert [f.name for f in files][1:3] == ["prior_002.png", "prior_010.png"]
    sheet = Image.open(files[0]).convert("L")
    assert sheet.size == (6, 2)
    assert [sheet.getpixel((x, 0)) for x in (0, 1, 2, 4)] == [255, 0, 255, 0]
    assert sheet.getpixel((0, 1)) in (127, 128)


def test_scalars_are_one_line_an_epoch(tmp_path):
    history = fit(small(), images(), images(8), epochs=3, device="cpu", progress=False)
    path = save_scalars(history.records, tmp_path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == history.records and [line["epoch"] for line in lines] == [1, 2, 3]


def test_a_sheet_has_few_shades_and_square_pixels():
    """Ink is black, paper is white, and the greys between are rounded to the nearest shade."""
    pictures = torch.tensor([[0.0, 1.0, 0.4, 2.0]])
    picture = Image.open(io.BytesIO(sheet_png(pictures, 1, image_shape=(2, 2), scale=3, shades=4)))
    assert picture.mode == "P" and picture.size == (6, 6)
    grey = picture.convert("L")
    assert [grey.getpixel(p) for p in ((0, 0), (2, 2), (3, 0), (5, 5))] == [255, 255, 0, 0]
    assert grey.getpixel((0, 3)) == 170  # ink 0.4 is paper 0.6, nearest to 2/3
    fine = sheet_png(torch.rand(20, 784, generator=torch.Generator().manual_seed(0)), 5, shades=256)
    coarse = sheet_png(torch.rand(20, 784, generator=torch.Generator().manual_seed(0)), 5, shades=4)
    assert len(coarse) < 0.5 * len(fine)
    with pytest.raises(ValueError, match="they are 0 and 16"):
        sheet_png(pictures, 1, image_shape=(2, 2), scale=0)
    with pytest.raises(ValueError, match="they are 1 and 300"):
        sheet_png(pictures, 1, image_shape=(2, 2), shades=300)


def test_a_class_keeps_its_colour_however_few_dots_it_has():
    """Pillow's own palette gave a class of three small dots the colour of its neighbours."""
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.imshow(np.random.default_rng(0).random((200, 300)), cmap="Greys")
    ax.scatter(30 * np.arange(10), np.full(10, 100), s=30, c=CLASS_COLOURS, linewidths=0)
    png = class_png(figure, dpi=80)
    assert not plt.fignum_exists(figure.number)
    picture = Image.open(io.BytesIO(png))
    seen = {rgb for _, rgb in picture.convert("RGB").getcolors()}
    assert {tuple(round(255 * c) for c in colour) for colour in CLASS_COLOURS} <= seen
    assert len(seen) <= 16 and picture.size == (240, 160)
