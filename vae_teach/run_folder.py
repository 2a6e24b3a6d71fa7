"""The folder of one training run: whose it is, and what is drawn into it when training has ended.

`run.json` is written first, so the folder says at once which pictures it belongs to. Every file is
whole or not there. Shapes: N pictures, D pixels, L latent.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from vae_teach import plots, plots_pictures
from vae_teach.checkpoint import read_checkpoint
from vae_teach.data.cache import whole_file
from vae_teach.data.dataset import Dataset
from vae_teach.history import History
from vae_teach.models import VAE
from vae_teach.widgets import LatentExplorer

CHECKPOINT, MODEL, RECORD = "checkpoint.safetensors", "model.safetensors", "run.json"
SHOWN = 64  # pictures on the sheet of samples


def claim(out: Path, record: dict) -> None:
    """Make the folder this run's own, or refuse: nothing is written over another run."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        there = out / RECORD
        if there.exists():
            _require_same(there, record)
        elif (out / CHECKPOINT).exists():
            raise ValueError(
                f"{out} has {CHECKPOINT} but no {RECORD}, so its pictures are not known: "
                "give another folder"
            )
        else:
            write_record(out, record)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"out is {out}, but nothing can be written there: {reason}") from error


def _require_same(path: Path, record: dict) -> None:
    """Refuse a folder of other pictures. What else must agree, `fit` compares itself."""
    try:
        old = json.loads(path.read_text("utf-8"))
        was = _pixels(old)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no record of a run: {error!r}") from error
    now = _pixels(record)
    if was["pixels"] != now["pixels"]:
        name = next(name for name in now if was[name] != now[name])
        raise ValueError(
            f"{path.parent} holds another run: {name} was {was[name]} there, but is {now[name]} "
            "now; give another folder"
        )


def _pixels(record: dict) -> dict:
    """What tells two sets of pictures apart, the most telling first; the last decides."""
    names = ("image_shape", "train_images", "test_images", "data")
    told = {name: record["protocol"][name] for name in names}
    return told | {"pixels": record["provenance"]["data_sha256"][:12]}


def epochs_kept(out: str | Path) -> int:
    """How many whole epochs the folder's checkpoint holds; 0 without one."""
    path = Path(out) / CHECKPOINT
    return len(read_checkpoint(path)[0]["history"]["records"]) if path.is_file() else 0


@torch.no_grad()
def draw_run(model: VAE, dataset: Dataset, history: History, out: Path) -> None:
    """Write curves.png, samples.png, reconstructions.png and explorer.html."""
    model.cpu()
    shape, test = dataset.image_shape, dataset.test
    few = test.images[:10]
    sample = model.sample(SHOWN, generator=torch.Generator().manual_seed(0))
    figures = {
        "curves": plots.draw_history(history, ["reconstruction", "kl"]),
        "samples": plots_pictures.draw_pictures(sample, 8, image_shape=shape).figure,
        "reconstructions": plots_pictures.draw_picture_rows(
            {"test pictures": few, "their reconstructions": model.reconstruct(few)},
            image_shape=shape,
        ),
    }
    for name, figure in figures.items():
        with whole_file(out / f"{name}.png") as file:
            figure.savefig(file, format="png", dpi=120)
        plt.close(figure)
    _explorer(model, dataset).to_html(out / "explorer.html", title=f"Explorer: {dataset.name}")


def _explorer(model: VAE, dataset: Dataset) -> LatentExplorer:
    """The explorer of the two busiest latents, with test pictures to start from."""
    test = dataset.test
    labels = test.labels if test.labels is not None and test.labels.max() < 256 else None
    codes = model.encode(test.images)[0]
    busiest = codes.var(dim=0, correction=0).topk(min(2, model.latent_dim)).indices.tolist()
    return LatentExplorer.from_model(
        model,
        codes,
        labels,
        image_shape=dataset.image_shape,
        label_names=dataset.label_names if labels is not None else None,
        examples=test.images[:10],
        example_labels=None if labels is None else labels[:10],
        z=codes[0].tolist(),  # 0 may lie between groups of codes, where nothing is drawn
        axes=sorted(busiest) if len(busiest) == 2 else [0, 0],
    )


def write_record(out: Path, record: dict) -> None:
    """Write run.json, all or nothing."""
    with whole_file(out / RECORD) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())
