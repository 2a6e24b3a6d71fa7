"""What a check answers: right or not, and one sentence that says why."""

from dataclasses import dataclass

NOT_ATTEMPTED = "Not attempted yet."
RIGHT = "Right."
_IN_ASCII = str.maketrans({"✔": "[right]", "✘": "[wrong]", "○": "[open]"})


@dataclass(frozen=True, repr=False)
class Verdict:
    """The outcome of one check: a tick, a cross or an open circle, and a sentence."""

    passed: bool
    message: str
    exercise: str = ""

    def __str__(self) -> str:
        mark = "✔" if self.passed else "○" if self.message == NOT_ATTEMPTED else "✘"
        return (
            f"{mark} {self.exercise}: {self.message}" if self.exercise else f"{mark} {self.message}"
        )

    __repr__ = __str__

    def _ipython_display_(self) -> None:
        """Show nothing: the check has printed the verdict, and a cell would show it twice."""

    def require(self) -> "Verdict":
        """Return the verdict if it passed; solution cells end with this, so that CI sees them.

        Raises:
            AssertionError: with the verdict's sentence, if it did not pass.
        """
        if not self.passed:
            raise AssertionError(str(self))
        return self


def announce(verdict: Verdict) -> Verdict:
    """Print the verdict as one plain line, the same in every host, and return it."""
    try:
        print(verdict)
    except UnicodeEncodeError:  # a console whose code page has no tick
        print(str(verdict).translate(_IN_ASCII).encode("ascii", "replace").decode())
    return verdict
