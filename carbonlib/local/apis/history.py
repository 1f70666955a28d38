"""The data behind the replayed APIs: daily spot prices and daily weather, with values as the files spell them."""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..._errors import UsageError

BUNDLED = Path(__file__).parent / "data"
PRICES_FILE = "eia_spot_daily.csv"
WEATHER_FILE = "noaa_weather_daily.csv"


@dataclass
class Series:
    """Rows by day, ascending; days are ISO dates."""

    days: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)

    def between(self, first: str, last: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Days and rows from `first` to `last`, both inclusive."""
        for index in range(bisect_left(self.days, first), bisect_right(self.days, last)):
            yield self.days[index], self.rows[index]


@dataclass(frozen=True)
class History:
    """All that will ever be published.

    Args:
        prices: series of prices by commodity code; rows have `price`.
        weather: series of weather by location; rows have the file's columns.
    """

    prices: dict[str, Series]
    weather: dict[str, Series]

    @property
    def trading_days(self) -> Sequence[str]:
        """Days on which at least one commodity has a price."""
        return _days(self.prices)

    @property
    def weather_days(self) -> Sequence[str]:
        """Days on which at least one location has weather."""
        return _days(self.weather)


def load(folder: Path = BUNDLED) -> History:
    """Read both files of a folder.

    Raises:
        UsageError: a file is missing or is not what it should be.
    """
    prices = _series(folder / PRICES_FILE, by="commodity_code", columns={"price"})
    weather = _series(
        folder / WEATHER_FILE, by="location", columns={"precipitation", "temp_max", "temp_min", "wind", "weather"}
    )
    return History(prices, weather)


def _series(path: Path, *, by: str, columns: set[str]) -> dict[str, Series]:
    series: dict[str, Series] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            absent = ({by, "date"} | columns) - set(reader.fieldnames or ())
            if absent:
                raise UsageError(
                    f"{path.name} lacks the columns {sorted(absent)}.", remedy="Restore the file from the repository."
                )
            for row in sorted(reader, key=lambda r: r["date"]):
                one = series.setdefault(row[by], Series())
                one.days.append(row["date"])
                one.rows.append(row)
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be read.", cause=str(error), remedy="Give the folder with --data."
        ) from error
    return series


def _days(series: dict[str, Series]) -> list[str]:
    return sorted({day for one in series.values() for day in one.days})
