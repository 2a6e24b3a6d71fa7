"""Which device to compute on, chosen at run time: the accelerator if there is one, else the CPU."""

import os

import torch

ENVIRONMENT_VARIABLE = "VAE_TEACH_DEVICE"


def pick_device(name: str | None = None) -> torch.device:
    """Return the device called `name`, else $VAE_TEACH_DEVICE, else the accelerator, else the CPU.

    Raises:
        ValueError: if the device asked for is unknown or not on this machine.
    """
    name = name or os.environ.get(ENVIRONMENT_VARIABLE) or None
    if name is None:
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)  # the only honest way to learn whether the device works
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0]  # some go on for a page
        raise ValueError(f"device {name!r} cannot be used here: {reason}") from error
    return device


def describe_device(device: torch.device) -> str:
    """Name the device for a protocol line, such as 'CPU, 2 threads' or the card's own name."""
    if device.type == "cpu":
        n = torch.get_num_threads()
        return f"CPU, {n} thread{'s' * (n > 1)}"
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(device)
