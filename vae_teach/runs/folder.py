"""The folder of one training run: whose it is, and what is drawn into it when training has ended.

`run.json` is written first, so the folder says at once which pictures it belongs to. Every file is
whole or not there. Shapes: N pictures, D pixels, L latent.
"""

import json
import os
from pathlib import Path
from typing import cast

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from vae_teach import plots
from vae_teach.data.dataset import Dataset
from vae_teach.machine.whole_file import whole_file, write_text
from vae_teach.models.convolutional import ConvVAE
from vae_teach.models.vae import VAE
from vae_teach.plots import photographs as plots_pictures
from vae_teach.training.checkpoint import read_head
from vae_teach.training.history import History
from vae_teach.widgets import LatentExplorer

CHECKPOINT, MODEL, RECORD = "checkpoint.safetensors", "model.safetensors", "run.json"
PAGE, PICTURES = "explorer.html", ("curves", "samples", "reconstructions")
FILES = (CHECKPOINT, MODEL, RECORD, PAGE, *(f"{name}.png" for name in PICTURES))
SHOWN = 64  # pictures on the sheet of samples


def require_usable(out: Path) -> None:
    """Refuse a folder in which something would be lost; told before any picture is read.

    Raises:
        OSError: if it is a file, or nothing can be written there.
        ValueError: if it holds files that no run wrote, or a model that cannot be gone on from.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise NotADirectoryError(f"out is {out}, which is a file: give a folder")
    if not os.access(out, os.W_OK):
        raise PermissionError(f"out is {out}, but nothing can be written there")
    there = [name for name in FILES if (out / name).exists()]
    if there and RECORD not in there:
        raise ValueError(
            f"out is {out}, which has {there[0]} but no {RECORD}: it would be written over; "
            "give another folder"
        )
    if MODEL in there and CHECKPOINT not in there:
        raise ValueError(
            f"out is {out}, which has {MODEL} but no {CHECKPOINT} to go on from: the model would "
            "be written over; give another folder"
        )


def claim(out: Path, record: dict) -> dict:
    """Make the folder this run's own, or refuse: nothing is written over another run.

    To be called while `one_writer` holds the folder, so that no other run begins in it meanwhile.

    Returns:
        The record that stands in the folder: of the run that is gone on with, or this one.

    Raises:
        OSError: as `require_usable`, or if nothing can be written.
        ValueError: as `require_usable`, or if the folder holds a run of other pictures or other
            settings; the message has the first difference and both values.
    """
    require_usable(out)
    if (out / CHECKPOINT).exists():
        return _require_same(out, record)
    try:
        write_record(out, record)  # nothing is trained yet
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"out is {out}, but nothing can be written there: {reason}") from error
    return record


def _read_record(out: Path) -> dict:
    """Return what stands in run.json.

    Raises:
        ValueError: if it is no record of a run.
    """
    path = out / RECORD
    try:
        record = json.loads(path.read_text("utf-8"))
        _must_match(record)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} is no record of a run ({type(error).__name__}): give another folder"
        ) from error
    return record


def _require_same(out: Path, record: dict) -> dict:
    """Refuse to go on with other pictures or other settings; return the folder's record."""
    old = _read_record(out)
    was, now = _must_match(old), _must_match(record)
    for name in now:
        if was[name] != now[name]:
            raise ValueError(
                f"{out} holds another run: {name} was {was[name]} there, but is "
                f"{now[name]} now; give another folder, or {name} as it was"
            )
    return old


def _must_match(record: dict) -> dict:
    """What must be as it was: the pictures, the most telling first, then the plan."""
    protocol = json.loads(json.dumps(record["protocol"]))  # tuples as lists, as in the file
    told = {name: protocol[name] for name in ("image_shape", "train_images", "test_images")}
    told["pixels (the files, fit, invert)"] = record["provenance"]["data_sha256"][:12]
    _ = protocol["epochs"], protocol["patience"]  # which the next record may repeat
    config = protocol["config"]
    told["conv"] = config.get("channels", [])
    hidden = config["hidden"] if told["conv"] else config["encoder_hidden"]
    told |= {"latent_dim": config["latent_dim"], "hidden": hidden}
    told |= {"likelihood": config["likelihood"], "lr": protocol["learning_rate"]}
    return told | {name: protocol[name] for name in ("batch_size", "beta", "seed")}


def epochs_kept(out: str | Path) -> int:
    """How many whole epochs the folder's checkpoint holds; 0 without one."""
    path = Path(out) / CHECKPOINT
    return len(read_head(path)["history"]["records"]) if path.is_file() else 0


@torch.no_grad()
def draw_run(model: VAE, dataset: Dataset, history: History, out: Path) -> None:
    """Write curves.png, samples.png, reconstructions.png and, of a dense model, explorer.html.

    Raises:
        OSError: naming the file that cannot be written.
        ValueError: if no explorer can be made of the model; the pictures are written.
    """
    model.cpu()
    shape, test = dataset.image_shape, dataset.test
    few = test.images[:10]
    sample = model.sample(SHOWN, generator=torch.Generator().manual_seed(0))
    figures = (
        plots.draw_history(history, ["reconstruction", "kl"]),
        cast(Figure, plots_pictures.draw_pictures(sample, 8, image_shape=shape).figure),
        plots_pictures.draw_picture_rows(
            {"test pictures": few, "their reconstructions": model.reconstruct(few)},
            image_shape=shape,
        ),
    )
    for name, figure in zip(PICTURES, figures, strict=True):
        with whole_file(out / f"{name}.png") as file:
            figure.savefig(file, format="png", dpi=120)
        plt.close(figure)
    if not isinstance(model, ConvVAE):  # the browser runs dense layers
        _explorer(model, dataset).to_html(out / PAGE, title=f"Explorer: {dataset.name}")


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
    write_text(out / RECORD, json.dumps(record, indent=1) + "\n")
