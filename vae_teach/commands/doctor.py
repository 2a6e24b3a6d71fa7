"""`python -m vae_teach doctor`: what this machine has, what is missing, and how to mend it."""

import argparse
import importlib.metadata
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "torch", "numpy", "matplotlib", "scikit-learn", "sympy", "anywidget", "ipywidgets",
    "jupyterlab", "jupyterlab_myst", "jupyter-book", "nbval",
)  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = "pip install -r requirements.txt"
ON_THE_CPU = "export VAE_TEACH_DEVICE=cpu"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `cure` is the command that mends it, or None if all is well."""

    what: str
    found: str
    cure: str | None = None
    optional: bool = False  # a chapter runs without it; only the tests or the book build want it

    def __str__(self) -> str:
        mark = "ok  " if self.cure is None else ("note" if self.optional else "MISS")
        cure = "" if self.cure is None else f"\n       cure: {self.cure}"
        return f"{mark} {self.what:16} {self.found}{cure}"


def python_finding() -> Finding:
    """The interpreter. Its version needs no check: an older one could not install the package."""
    return Finding("Python", f"{platform.python_version()} at {sys.executable}")


def pinned_versions(requirements: Path) -> dict[str, str]:
    """The versions that `requirements.txt` pins, by lower-case name; {} if there is no file."""
    if not requirements.is_file():
        return {}
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", requirements.read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in pins}


def package_findings(pins: dict[str, str]) -> list[Finding]:
    """Each package the chapters and the book use, against the pinned version where there is one."""
    findings = []
    for name in PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(name, "not installed", INSTALL))
            continue
        pin = pins.get(name.lower().replace("_", "-"), version)
        if version.split("+")[0] != pin:
            findings.append(Finding(name, f"{version}, tested with {pin}", INSTALL, optional=True))
        else:
            findings.append(Finding(name, version))
    return findings


def device_finding() -> Finding:
    """Which device the notebooks train on, and whether a few steps of training work there."""
    from vae_teach.machine.device import describe_device, pick_device

    try:
        device = pick_device()
    except ValueError as error:
        return Finding("device", str(error), "unset VAE_TEACH_DEVICE")
    told = f"{device} ({describe_device(device)})"
    try:
        return Finding("device", f"{told}, trains: {_trained_there()}")
    except Exception as error:  # whatever a driver or a card may answer
        why = (str(error) or repr(error)).splitlines()[0]
        return Finding("device", f"{told}, but training fails there: {why}", ON_THE_CPU)


def _trained_there() -> str:
    """Train a tiny model on the chosen device, and say how its steps were made."""
    import torch

    from vae_teach.models.vae import VAE
    from vae_teach.training.loop import fit

    model, pictures = VAE(4, (3,), 2, (3,), seed=0), torch.full((16, 4), 0.5)
    return fit(model, pictures, pictures, epochs=1, batch_size=2, progress=False).how


def data_finding() -> Finding:
    """Which data set the notebooks take."""
    from vae_teach import data

    try:
        return Finding("data", data.load().source)
    except (OSError, ValueError) as error:
        told = str(error)
        wrong = (name for name in ("VAE_TEACH_DATASET", "VAE_TEACH_DATA") if f"{name} is" in told)
        cures = [f"unset {name}" for name in wrong] or ["python -m vae_teach data"]
        return Finding("data", told, cures[0])


def find_browser() -> str | None:
    """Chromium's path: what VAE_TEACH_CHROMIUM says, else the first one on the path."""
    return os.environ.get("VAE_TEACH_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )


def tool_findings() -> list[Finding]:
    """Programs that only the tests use."""
    node, browser = shutil.which("node"), find_browser()
    return [
        Finding("Node", node) if node else
        Finding("Node", "not found: JavaScript tests are skipped", "install Node 20", True),
        Finding("browser", browser) if browser else
        Finding("browser", "not found: browser tests are skipped", "install Chromium", True),
    ]  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print every finding; the exit status is 1 if something needed is missing."""
    pins = pinned_versions(Path(__file__).parents[2] / "requirements.txt")
    findings = [python_finding(), *package_findings(pins)]
    if all(f.cure is None or f.optional for f in findings):
        findings += [device_finding(), data_finding()]
    findings += tool_findings()
    for finding in findings:
        print(finding)
    missing = [f for f in findings if f.cure is not None and not f.optional]
    print(f"{len(missing)} missing" if missing else "Everything the chapters need is here.")
    return 1 if missing else 0


def add_parser(subparsers) -> None:
    """Add the `doctor` command."""
    parser = subparsers.add_parser("doctor", help="what is installed, what is missing, the cure")
    parser.set_defaults(run=run)
