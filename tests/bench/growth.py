"""What a page costs with a hundred times the members, the database's time included."""

from collections import defaultdict

from .pages import PageProcess
from .report import Result, paired
from .sites import PORTAL, both_sites

FEW, MANY = 1_000, 100_000
PAGES = ("home", "directory", "profile")
ROUNDS, REQUESTS, WARM_UP = 30, 10, 60


def measure(many: int = MANY, rounds: int = ROUNDS) -> list[Result]:
    """Compare pages of two societies; their profiles are not indexed, as no search is made."""
    times = defaultdict(list)
    with (
        both_sites(FEW, [PORTAL], is_indexed=False) as few,
        both_sites(many, [PORTAL], is_indexed=False) as more,
        PageProcess(few[PORTAL]) as small,
        PageProcess(more[PORTAL]) as large,
    ):
        for page in PAGES:
            for each in (small, large):
                each.elapsed(page, WARM_UP)
        for number in range(rounds):
            for page in PAGES:
                for each in (small, large) if number % 2 else (large, small):
                    times[page, each].append(each.elapsed(page, REQUESTS) * 1000)
        return [
            paired(
                "growth", f"{page}, {many:,} members beside {FEW:,}", "ms",
                times[page, large], times[page, small], most=1.3,
            )
            for page in PAGES
        ]  # fmt: skip
