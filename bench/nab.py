"""The Numenta Anomaly Benchmark's own scoring rule, and its series as they lie in the data folder.

The rule is that of Lavin and Ahmad, *Evaluating Real-time Anomaly Detection Algorithms: the Numenta
Anomaly Benchmark* (ICMLA 2015, arXiv:1510.03336), with the weights of the standard profile:

- the first 15 % of a series (of at most 5,000 values) are for learning; alarms there do not count;
- of a labelled window only the best alarm counts: +1 at its left edge, falling by a sigmoid to 0
  at its right edge; a window without one costs 1;
- an alarm outside of windows costs up to 0.11, less just behind a window;
- over all series together, no alarms at all are 0 and a perfect detector is 100.
"""

import csv
import gzip
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

LEARNING: Final = 0.15
LEARNING_OF: Final = 5_000
FALSE_ALARM: Final = 0.11
MISSED: Final = 1.0
FAR: Final = 3.0
"""So many window widths behind a window, an alarm costs all of it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series with its labelled windows: first and last place, both within."""

    name: str
    times: list[datetime]
    values: list[float]
    windows: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """What alarms on some series earned, and how many windows could be found."""

    points: float
    windows: int

    def __add__(self, other: "Score") -> "Score":
        return Score(self.points + other.points, self.windows + other.windows)

    @property
    def normalised(self) -> float:
        """0 for no alarms at all, 100 for a perfect detector."""
        return 100 * (self.points + MISSED * self.windows) / (2 * self.windows)


def score(count: int, alarms: Sequence[int], windows: Sequence[tuple[int, int]]) -> Score:
    """Score the alarms (places) on one series of so many values."""
    learning = min(math.floor(LEARNING * count), LEARNING * LEARNING_OF)
    found = {window: -MISSED for window in windows if window[1] >= learning}
    points = 0.0
    for place in alarms:
        if place < learning:
            continue
        window = next((w for w in found if w[0] <= place <= w[1]), None)
        if window is None:
            points += FALSE_ALARM * _sigmoid(_behind(place, windows))
        else:
            found[window] = max(found[window], _earned(place, window))
    return Score(points + sum(found.values()), len(found))


def _earned(place: int, window: tuple[int, int]) -> float:
    first, last = window
    return _sigmoid(-(last - place + 1) / (last - first + 1)) / _sigmoid(-1.0)


def _behind(place: int, windows: Sequence[tuple[int, int]]) -> float:
    """Return how many widths behind the last window a place lies."""
    before = [window for window in windows if window[1] < place]
    if not before:
        return FAR
    first, last = before[-1]
    return (place - last) / (last - first)


def _sigmoid(position: float) -> float:
    """Return 0.987 a width before the right edge, 0 at it, −0.987 a width behind it."""
    return -1.0 if position >= FAR else 2 / (1 + math.exp(5 * position)) - 1


def read(folder: Path) -> list[Labelled]:
    """Return every series of a folder with `windows.json` and `data/`, by name."""
    windows = json.loads((folder / "windows.json").read_text())
    return [_read(folder, name, windows[name]) for name in sorted(windows)]


def _read(folder: Path, name: str, windows: list[list[str]]) -> Labelled:
    with gzip.open(folder / "data" / f"{name}.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
    places = []
    for start, end in windows:
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
        within = [place for place, time in enumerate(times) if first <= time <= last]
        places.append((within[0], within[-1]))
    return Labelled(name, times, [float(row["value"]) for row in rows], places)
