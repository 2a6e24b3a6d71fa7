"""What happened during training, epoch by epoch."""

from dataclasses import dataclass, field

Record = dict[str, float]


@dataclass(repr=False)  # a notebook shows what a cell ends with: one line, not every record
class History:
    """One record per epoch: "epoch", "seconds", and "train_TERM" and "held_out_TERM" per example.

    "train_loss" and "held_out_loss" are the weighted sums that were minimised. Training values are
    averages over the epoch while the weights moved; held-out values are taken at its end. Where
    `fit` validates every so many steps, `validations` has a record for each: "step", counted from 0
    as the sources count, "train_loss" of that step's batch (here without weights and scale), and
    what was measured.
    """

    records: list[Record] = field(default_factory=list)
    best_epoch: int | None = None  # the epoch whose weights a training with patience keeps
    interrupted: bool = False  # the reader pressed stop; the model keeps what it had learned
    validations: list[Record] = field(default_factory=list)
    how: str = ""  # "one recorded step, replayed", or "step by step" and why

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        if not self.records:
            return "History(no epoch yet)"
        losses = [f"{k} {v:.2f}" for k, v in self.last.items() if k.endswith("_loss")]
        return f"History({len(self)} epoch{'s' * (len(self) > 1)}, last {', '.join(losses)})"

    def column(self, name: str) -> list[float]:
        """All values of one column, in order of epochs.

        Raises:
            KeyError: naming the columns there are.
        """
        if self.records and name not in self.records[0]:
            raise KeyError(f"no column {name!r}; the columns are {sorted(self.records[0])}")
        return [record[name] for record in self.records]

    def rounded(self) -> dict[str, list[float]]:
        """All columns but the times and the training loss, to the digits that a curve shows."""
        names = [name for name in self.last if name not in ("seconds", "train_loss")]
        return {name: [round(value, 3) for value in self.column(name)] for name in names}

    @property
    def minutes(self) -> float:
        """How long the epochs took together."""
        return round(sum(self.column("seconds")) / 60, 2)

    @property
    def last(self) -> Record:
        """The newest record."""
        if not self.records:
            raise IndexError("the history is empty: no epoch has ended yet")
        return self.records[-1]
