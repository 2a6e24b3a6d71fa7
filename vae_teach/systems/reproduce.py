"""Train one of the sources' systems by its own protocol, evaluate it, write what came out.

The result is plain data: every number stands with its protocol and its provenance, so a table can
be drawn from the files alone. Shapes: N pictures, D pixels.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

import vae_teach
from vae_teach import data
from vae_teach.machine.device import borrowed, describe_device, pick_device
from vae_teach.machine.one_writer import one_writer
from vae_teach.machine.whole_file import write_text
from vae_teach.models.conditional import one_hot
from vae_teach.models.layers import count_parameters
from vae_teach.systems.measures import MEASURES, Trained
from vae_teach.systems.presets import PRESETS, Preset, get_preset
from vae_teach.training.checkpoint import save_checkpoint
from vae_teach.training.history import History
from vae_teach.training.loop import epoch_generator, fit

FORMAT = "vae_teach result 1"
MOST = 100_000_000  # steps, draws or pictures: more is a slip of the hand


@dataclasses.dataclass(frozen=True)
class Pixels:
    """The pictures of a run after their treatment; `transform` treats a batch anew if it must.

    `train_given` and `test_given` hold what a conditional model is told beside each picture, and
    nothing for a model that is told nothing.
    """

    train: Tensor
    test: Tensor
    transform: Callable[[Tensor, torch.Generator], Tensor] | None
    train_given: tuple[Tensor, ...] = ()
    test_given: tuple[Tensor, ...] = ()


def prepare(preset: Preset, dataset: data.Dataset, *, seed: int, n_test: int | None) -> Pixels:
    """Split and treat the pictures as the preset says; a stochastic test set is drawn once."""
    if preset.validation:
        dataset = dataset.with_validation(min(preset.validation, len(dataset.train) // 5))
    train = dataset.train.images[: preset.train_images]
    test = dataset.test.images[:n_test]
    given = (
        _given(preset, dataset.train.labels, len(train)),
        _given(preset, dataset.test.labels, len(test)),
    )
    how, generator = preset.treatment, torch.Generator().manual_seed(seed)
    if how != "stochastic":
        return Pixels(data.treat(train, how), data.treat(test, how), None, *given)

    def transform(x: Tensor, generator: torch.Generator) -> Tensor:
        return data.treat(x, "stochastic", generator=generator)

    return Pixels(train, transform(test, generator), transform, *given)


def _given(preset: Preset, labels: Tensor | None, n: int) -> tuple[Tensor, ...]:
    """The condition of the first n pictures, if the preset's model has one."""
    if preset.condition is None:
        return ()
    if labels is None:
        raise ValueError(f"{preset.title} is told each picture's label, but there are no labels")
    return (one_hot(labels[:n]),)


def train_preset(
    preset: Preset,
    model: nn.Module,
    pixels: Pixels,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
    """Make exactly `steps` steps: whole epochs, resumable, and then the rest of one.

    Raises:
        ValueError: if the checkpoint has made more steps already.
        KeyboardInterrupt: if the reader interrupts; the checkpoint holds the last whole epoch.
    """
    size = preset.batch_size
    per_epoch = math.ceil(len(pixels.train) / size)
    whole, rest = divmod(steps, per_epoch)
    made: list[torch.optim.Optimizer] = []

    def optimizer(parameters) -> torch.optim.Optimizer:
        if not made:
            made.append(preset.make_optimizer(parameters, per_epoch))
        return made[0]

    shared = {
        "batch_size": size,
        "weights": _weights(preset, model, pixels),
        "optimizer": optimizer,
        "transform": pixels.transform,
        "device": device,
        "progress": progress,
    }
    if preset.start_from_average:
        model.start_from_average(pixels.train)
    everything = (pixels.train, *pixels.train_given)
    history = History()
    if whole:
        resume = {"checkpoint": checkpoint, "resume": checkpoint is not None}
        history = fit(model, everything, epochs=whole, seed=seed, **resume, **shared)
        if len(history) > whole:
            raise ValueError(f"{checkpoint} has {len(history)} epochs, but {whole} are asked for")
    if rest and not history.interrupted:
        order = torch.randperm(len(pixels.train), generator=epoch_generator(seed, whole))
        part = tuple(tensor[order[: rest * size]] for tensor in everything)
        # The same optimizer goes on; another seed, so that no noise of epoch 1 comes twice.
        last = fit(model, part, epochs=1, seed=(seed + 1_000_000) % 2**63, **shared)
        history.records += [record | {"epoch": whole + 1} for record in last.records]
        history.interrupted = last.interrupted
    if history.interrupted:
        raise KeyboardInterrupt
    return history


def _weights(preset: Preset, model: nn.Module, pixels: Pixels) -> dict[str, float]:
    """The preset's reduction as a weight for every term of the model's loss."""
    factor = preset.loss_factor(pixels.train.shape[1])
    if factor == 1:
        return {}
    one = (tensor[:1] for tensor in (pixels.train, *pixels.train_given))
    with torch.no_grad():
        terms = model.loss_terms(*one, generator=epoch_generator(0, 0))
    return dict.fromkeys(terms, factor)


def reproduce(
    name: str,
    *,
    seed: int = 0,
    steps: int | None = None,
    device: str | None = None,
    out: str | Path | None = None,
    dataset: data.Dataset | None = None,
    importance_samples: int | None = None,
    n_test: int | None = None,
    progress: bool = True,
) -> dict:
    """Train a preset, evaluate it and return the result; with `out`, write it there too.

    Args:
        name: a preset of `vae_teach.systems.presets`.
        seed: of weights, order, noise and evaluation.
        steps: training steps; None for the source's own number.
        device: where to compute, see `pick_device`.
        out: folder for NAME-seedS.json, the model and the checkpoint that a second call resumes.
        dataset: MNIST unless given.
        importance_samples: K of log p(x); None for the preset's.
        n_test: how many test pictures, from the first on; None for all.
        progress: show a bar.

    Raises:
        ValueError: for an unknown preset, for a number that makes no sense, for data without the
            labels that a conditional model is told, or if `out` holds a longer run, or one of
            other pictures or of another evaluation: nothing is written over it.
        OSError: if MNIST is not on this machine, or nothing can be written into `out`.
        KeyboardInterrupt: if the reader interrupts; every whole epoch is in the checkpoint.
    """
    preset = get_preset(name)
    require_seed(seed)
    require_counts(steps=steps, samples=importance_samples, images=n_test)
    dataset = dataset or data.load("mnist")
    where = pick_device(device)
    pixels = prepare(preset, dataset, seed=seed, n_test=n_test)
    planned = preset.planned_steps(len(pixels.train))
    steps = planned if steps is None else steps
    samples = importance_samples or preset.importance_samples
    model = preset.build(seed)
    folder = None if out is None else Path(out)
    stem = f"{name}-seed{seed}"
    protocol = _protocol(preset, model, dataset, pixels) | {
        "steps": steps,
        "planned_steps": planned,
        "epochs": round(steps / math.ceil(len(pixels.train) / preset.batch_size), 2),
        "seed": seed,
        "importance_samples": samples,
    }
    origin = provenance(dataset, where)
    with contextlib.nullcontext() if folder is None else one_writer(folder, stem):
        if folder is not None:
            _require_extendable(folder / f"{stem}.json", protocol, origin)
        history = train_preset(
            preset, model, pixels, steps=steps, seed=seed, device=where, progress=progress,
            checkpoint=None if folder is None else folder / f"{stem}.checkpoint.safetensors",
        )  # fmt: skip
        started = time.perf_counter()
        given = tuple(tensor.to(where) for tensor in pixels.test_given)
        trained = Trained(model, history, pixels.test.to(where), samples, seed, given)
        with borrowed(model, where):
            results = [_measured(measure, trained, preset) for measure in preset.measures]
        result = {
            "format": FORMAT,
            "preset": name,
            "title": preset.title,
            "results": results,
            "protocol": protocol,
            "provenance": origin
            | {
                "training_minutes": round(sum(history.column("seconds")) / 60, 2),
                "evaluation_minutes": round((time.perf_counter() - started) / 60, 2),
            },
            "history": rounded_columns(history),
        }
        if folder is not None:
            save_checkpoint(folder / f"{stem}.safetensors", model, history=history, settings={})
            write_text(folder / f"{stem}.json", json.dumps(result, indent=1) + "\n")
    return result


def require_seed(seed: int) -> None:
    """Refuse a seed that PyTorch's generators do not take.

    Raises:
        ValueError: with the limits.
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be from 0 to {2**63 - 1:,}, but it is {seed}")


def require_counts(**counts: int | None) -> None:
    """Refuse a number of steps, draws or pictures that makes no sense; None is a default.

    Raises:
        ValueError: with the limit.
    """
    for name, count in counts.items():
        if count is not None and not 1 <= count <= MOST:
            side = "at least 1" if count < 1 else f"at most {MOST:,}"
            raise ValueError(f"{name} must be {side}, but it is {count}")


def read_result(path: str | Path) -> dict:
    """One result as `reproduce` wrote it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is none, is damaged, or its preset is unknown.
    """
    path = Path(path)
    try:
        result = json.loads(path.read_text("utf-8"))
        found = result["format"], result["preset"] in PRESETS
        kinds = [isinstance(result[name], dict) for name in ("protocol", "provenance", "history")]
        _ = [(line["value"], MEASURES[line["measure"]]) for line in result["results"]]
        _ = [result["protocol"][name] for name in ("data", "steps", "planned_steps", "seed")]
        _ = [result["provenance"][name] for name in ("device", "training_minutes")]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        told = f"{type(error).__name__}: {error}"[:200]
        raise ValueError(f"{path} is no result of `reproduce`, or damaged ({told})") from error
    if found != (FORMAT, True) or not all(kinds):
        raise ValueError(f"{path} is no result of `reproduce`, or its preset is unknown")
    return result


def _require_extendable(path: Path, protocol: dict, origin: dict) -> None:
    """Refuse to replace a result by anything but the same run, as long or longer."""
    if not path.exists():
        return
    old = read_result(path)
    was, now = _must_match(old["protocol"], old["provenance"]), _must_match(protocol, origin)
    for name in now:
        if name in was and was[name] != now[name]:
            raise ValueError(
                f"{path} is the result of another run: its {name} was {was[name]}, but is "
                f"{now[name]} now; give another folder"
            )
    if protocol["steps"] < old["protocol"]["steps"]:
        raise ValueError(
            f"{path} is the result of {old['protocol']['steps']:,} steps, which "
            f"{protocol['steps']:,} would replace; give another folder"
        )


def _must_match(protocol: dict, origin: dict) -> dict:
    """What must be as it was for a result to be replaced; older files lack the last."""
    told = {"data": f"{protocol['data']} ({origin.get('data_sha256', '')[:12]})"}
    for name in ("train_images", "test_images", "importance_samples"):
        if name in protocol:
            told[name] = protocol[name]
    return told


def _measured(name: str, trained: Trained, preset: Preset) -> dict:
    """One line of the results: the measured value beside the published one."""
    measure = MEASURES[name]
    published = [p for p in preset.published if p.measure == name]
    value = dataclasses.asdict(measure.take(trained))
    for key in ("value", "standard_error"):
        if value[key] is not None:
            value[key] = float(f"{value[key]:.6g}")
    return {
        "measure": name,
        "title": measure.title,
        "unit": measure.unit,
        **value,
        "published": {"value": published[0].value, "where": published[0].where}
        if published
        else None,
    }


def _protocol(preset: Preset, model: nn.Module, dataset: data.Dataset, pixels: Pixels) -> dict:
    kept = ("treatment", "condition", "optimizer", "batch_size", "reduction", "stages", "note")
    told = preset.as_dict()
    name, config = preset.model
    return {
        "data": dataset.name,
        "train_images": len(pixels.train),
        "test_images": len(pixels.test),
        "model": name,
        "config": config,
        "parameters": count_parameters(model),
    } | {key: told[key] for key in kept}


def provenance(dataset: data.Dataset, device: torch.device) -> dict:
    """Where a number comes from: code, libraries, machine and the pixels themselves."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "vae_teach": vae_teach.__version__,
        "git_commit": git_commit(Path(__file__).parents[2]),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": describe_device(device),
        "data_source": dataset.source,
        "data_sha256": pixel_checksum(dataset),
    }


def pixel_checksum(dataset: data.Dataset) -> str:
    """SHA-256 of all pixels as bytes 0 to 255, training pictures first."""
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.test):
        digest.update((split.images * 255).round().to(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def git_commit(folder: Path) -> str | None:
    """The commit checked out in `folder`, with "+" if tracked files differ; None without git."""
    try:
        commit, changes = (
            subprocess.run(
                ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
            ).stdout.strip()
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + "+" * bool(changes)


def rounded_columns(history: History) -> dict[str, list[float]]:
    """The history by column, rounded to what a curve shows."""
    names = [name for name in history.last if name not in ("seconds", "train_loss")]
    return {name: [round(value, 3) for value in history.column(name)] for name in names}
