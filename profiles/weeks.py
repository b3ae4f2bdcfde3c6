"""How often resumes were opened in each of the last weeks, as a small chart."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Count
from django.db.models.functions import TruncWeek
from django.utils import timezone

WEEKS = 12
# Units of the drawing, whose size on the page is the stylesheet's to say.
BAR, GAP, HEIGHT = 16, 4, 48


@dataclass(frozen=True)
class Week:
    """A week from Monday to Sunday, the openings in it, and its bar in the drawing."""

    first: date
    last: date
    count: int
    x: int
    y: int
    height: int


class Chart(NamedTuple):
    """The weeks, oldest first; the last one is not over yet."""

    weeks: list[Week]
    most: int
    total: int
    width: int = WEEKS * (BAR + GAP) - GAP
    height: int = HEIGHT
    bar: int = BAR

    @property
    def current(self) -> Week:
        return self.weeks[-1]


def chart_of(downloads, today: date | None = None) -> Chart:
    """Count openings by week, in one query."""
    today = today or timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    mondays = [monday - timedelta(weeks=ago) for ago in reversed(range(WEEKS))]
    recent = downloads.filter(opened_at__date__gte=mondays[0])
    by_week = recent.order_by().annotate(week=TruncWeek("opened_at")).values_list("week")
    counts = {week.date(): count for week, count in by_week.annotate(Count("pk"))}
    most = max((counts.get(each, 0) for each in mondays), default=0)
    weeks = [bar(each, counts.get(each, 0), most, number) for number, each in enumerate(mondays)]
    return Chart(weeks, most, sum(week.count for week in weeks))


def bar(monday: date, count: int, most: int, number: int) -> Week:
    """Return a week with its bar; one opening among a thousand is still seen."""
    height = max(round(HEIGHT * count / most), 2) if count else 1
    last = monday + timedelta(days=6)
    return Week(monday, last, count, number * (BAR + GAP), HEIGHT - height, height)
