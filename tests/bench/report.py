"""Results of the bench: the portal's figure beside another's, and whether it is at its mark."""

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One line of the table. The ratio is ours to theirs: the median of pairs of one round each."""

    row: str
    what: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    low: float  # the quartiles of the ratios
    high: float
    most: float | None = None  # the mark: the ratio is to be at most this,
    least: float | None = None  # or at least this;
    limit: float | None = None  # or ours itself is to be at most this

    @property
    def mark(self) -> str:
        if self.limit is not None:
            return f"<= {self.limit:g} {self.unit}".strip()
        if self.most is not None:
            return f"<= {self.most:g}"
        return "" if self.least is None else f">= {self.least:g}"

    @property
    def is_reached(self) -> bool:
        return (
            (self.most is None or self.ratio <= self.most)
            and (self.least is None or self.ratio >= self.least)
            and (self.limit is None or self.ours <= self.limit)
        )


def paired(row, what, unit, ours: list[float], theirs: list[float], **mark) -> Result:
    """Return the result of rounds, in each of which both have been measured."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Result(
        row, what, unit, statistics.median(ours), statistics.median(theirs),
        statistics.median(ratios), low, high, **mark,
    )  # fmt: skip


HEAD = (
    f"{'row':<14}{'what':<42}{'ours':>12}{'theirs':>12}{'ratio':>7}  {'quartiles':<10}{'mark':>9}"
)


def line(result: Result) -> str:
    """Return a result as a line of the table."""
    missed = "" if result.is_reached else "  missed"
    return (
        f"{result.row:<14}{result.what:<42}"
        f"{figure(result.ours, result.unit):>12}{figure(result.theirs, result.unit):>12}"
        f"{result.ratio:>7.2f}  {result.low:.2f}-{result.high:<5.2f}{result.mark:>9}{missed}"
    )


def figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or not unit else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def write_json(results: list[Result], machine: str, path: Path) -> None:
    rows = [asdict(each) | {"mark": each.mark, "reached": each.is_reached} for each in results]
    path.write_text(json.dumps({"machine": machine, "results": rows}, indent=2) + "\n")


def markdown(results: list[Result]) -> str:
    """Return the table of docs/performance.md."""
    lines = ["| | ours | theirs | ratio | mark |", "|---|---|---|---|---|"]
    for each in results:
        figures = (figure(each.ours, each.unit), figure(each.theirs, each.unit))
        mark = each.mark if each.is_reached else f"**{each.mark}**"
        spread = f"{each.ratio:.2f} ({each.low:.2f} to {each.high:.2f})"
        lines.append(f"| {each.what} | {' | '.join(figures)} | {spread} | {mark} |")
    return "\n".join(lines)
