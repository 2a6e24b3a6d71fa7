"""One result as a file: reading it, and what may be written over it."""

import json
from pathlib import Path

from vae_teach.systems.measures import MEASURES
from vae_teach.systems.table import PRESETS

FORMAT = "vae_teach result 1"


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


def require_extendable(path: Path, protocol: dict, origin: dict) -> None:
    """Refuse to replace a result by anything but the same run, as long or longer.

    Raises:
        ValueError: naming the file, what differs and both values.
    """
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
    """What must be as it was for a result to be replaced; older files lack the draws."""
    told = {"data": f"{protocol['data']} ({origin.get('data_sha256', '')[:12]})"}
    for name in ("train_images", "test_images", "importance_samples"):
        if name in protocol:
            told[name] = protocol[name]
    return told | {"early_stopping": protocol.get("early_stopping")}
