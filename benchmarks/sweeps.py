"""The sweeps of chapter 12, made again: `vae_teach/sweeps/beta.json` and `latent_dim.json`.

Every setting and seed of a sweep that has the same sizes is trained as part of one stacked model.
On one core it takes some four minutes in all. It prints a table, and writes nothing else.
`ten_thousand` is one run of the sizes' sweep, with 10,000 latents, and is made if asked for.

`factors` measures what the latents of three of the betas say of a stroke's factors (chapter 11).

Run: python benchmarks/sweeps.py [beta] [latent_dim] [ten_thousand] [factors]
"""

import json
import sys
from pathlib import Path

from vae_teach import sweeps
from vae_teach.evaluate.factor_information import information_gaps
from vae_teach.sweeps.kept import FACTORS_FILE
from vae_teach.sweeps.protocol import SETTINGS, make_factors, make_sweep

FOLDER = Path(sweeps.__file__).parent
ONE_RUN = {"ten_thousand": {"settings": (10_000,), "seeds": [0]}}  # of "latent_dim"


def write_factors():
    text = json.dumps(make_factors(), separators=(",", ":"))
    (FOLDER / FACTORS_FILE).write_text(text + "\n")
    kept = sweeps.load_factors()
    for beta, information in kept.information.items():
        gaps = [information_gaps(run, kept.entropy) for run in information]
        print(
            f"{beta:4g}  gap {[round(g.mean().item(), 3) for g in gaps]}", kept.turned[beta].mean(1)
        )


def main(names):
    for name in names or SETTINGS:
        if name == "factors":
            write_factors()
            continue
        changed = ONE_RUN.get(name, {})
        written = make_sweep("latent_dim" if changed else name, **changed)
        text = json.dumps(written, indent=0, separators=(",", ":")).replace("\n", " ")
        (FOLDER / f"{name}.json").write_text(text.replace('{"setting"', '\n{"setting"') + "\n")
        print(f"{name}: {written['origin']['seconds']} s of training")
        for point in sweeps.load_sweep(name).points:
            print(
                f"{point.setting:7g}  rate {min(point.rate):6.2f} to {max(point.rate):6.2f}"
                f"  distortion {min(point.distortion):6.2f} to {max(point.distortion):6.2f}"
                f"  active {point.active}  idle {max(point.idle_kl):.2f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
