"""A month as a calendar shows it, and the months that visitors may turn to."""

from calendar import Calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

WEEKS = Calendar(firstweekday=0)
YEARS = range(2, 9999)  # those whose days have neighbours in every zone: Python's calendar ends with 1 and 9999


@dataclass(frozen=True, order=True)
class Month:
    """One month of one year."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that a day is in."""
        return cls(day.year, day.month)

    @classmethod
    def read(cls, text: str) -> "Month | None":
        """Return the month that a text such as 2026-12 names, else None."""
        day = read_day(f"{text}-01")
        return cls.of(day) if day else None

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def first(self) -> date:
        """Return its first day."""
        return date(self.year, self.number, 1)

    @property
    def following(self) -> "Month":
        """Return the month after it."""
        return Month.of(self.first + timedelta(days=31))

    @property
    def before(self) -> "Month":
        """Return the month before it."""
        return Month.of(self.first - timedelta(days=1))

    @property
    def weeks(self) -> list[list[date]]:
        """Return its weeks from Monday on, filled up with days of its neighbours."""
        return WEEKS.monthdatescalendar(self.year, self.number)

    def window(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return the moments at which it begins and ends in a zone."""
        return starts(self.first, zone), starts(self.following.first, zone)


def starts(day: date, zone: tzinfo) -> datetime:
    """Return the moment at which a day begins in a zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def read_day(text: str) -> date | None:
    """Return the day that a text such as 2026-12-03 names, else None."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def read_moment(text: str) -> datetime | None:
    """Return the moment that a text such as 2026-12-03T09:00:00Z names, else None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year in YEARS else None
