"""Which pages of two listings are asked for, and what is found in them; no server takes part."""

from threading import Event

import pytest

from portal.copying import engine, listings
from portal.copying.engine import EQUAL_FAILURES, EqualFailures, Outcome
from portal.copying.listings import Listing, merge_listings
from portal.copying.retry import Retry
from portal.copying.stores import UNKNOWN, FileInfo, Page, Transient, Unusable

NAMES = [f"{number:02}" for number in range(40)]


class Pages:
    """A store with files of these names, each as large as its name says, on pages of a size."""

    lists = True

    def __init__(self, names, size=4, failing=()):
        self.names, self.size, self.failing = names, size, list(failing)
        self.asked = []

    def __str__(self):
        return "The store"

    def page(self, after):
        self.asked.append(after)
        if self.failing:
            raise self.failing.pop(0)
        left = [name for name in self.names if name > after]
        some = left[: self.size]
        files = ((name, FileInfo(int(name), 0.0)) for name in some)
        return Page(files, some[-1] if some else "", len(left) <= self.size)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(listings, "LOOK_AHEAD", 8)
    monkeypatch.setattr(listings, "DENSE", 2)
    monkeypatch.setattr("portal.copying.retry.FIRST_PAUSE_SECONDS", 0.0)


def merged(wanted, source, target):
    pairs = ((name, f"owner of {name}") for name in wanted)
    return list(merge_listings(pairs, source, target, Retry()))


FAR = ["0/~", "03", "07", "11", "15", "19", "23", "27", "31", "35"]


@pytest.mark.parametrize(
    ("names", "wanted", "of_source", "of_target"),
    [
        (NAMES, NAMES, FAR, ["0/~", "02"]),
        (NAMES[:24], NAMES[:24], FAR[:6], ["0/~", "02"]),
        (NAMES, NAMES[::2], FAR, ["0/~", "02"]),
        (NAMES, ["00", "07", "15", "23", "39"], ["0/~", "06~", "14~", "22~", "38~"],
         ["0/~", "06~"]),
        (NAMES, [*NAMES[4:12], "30"], ["03~", "07", "11", "3/~"], ["03~"]),
        (NAMES[::2], ["01", "03", "05", "06"], ["00~"], ["00~"]),
        (NAMES[:3], ["02", "50", "60"], ["01~"], ["01~"]),
        ([], ["02"], ["01~"], ["01~"]),
        (NAMES, [], [], []),
    ],
    ids=["all", "most", "half", "few", "far", "others", "behind", "empty", "none"],
)  # fmt: skip
def test_each_name_has_its_files_from_as_few_pages_as_hold_them(
    names, wanted, of_source, of_target
):
    source, target = Pages(names), Pages(names[:6], size=3)

    found = merged(wanted, source, target)

    assert found == [
        (
            name,
            f"owner of {name}",
            FileInfo(int(name), 0.0) if name in source.names else None,
            FileInfo(int(name), 0.0) if name in target.names else None,
        )
        for name in wanted
    ]
    assert (source.asked, target.asked) == (of_source, of_target)


def test_a_store_that_may_not_be_listed_is_unknown_and_asked_no_more():
    source = Pages(NAMES, failing=[PermissionError()])
    target = Pages(NAMES[:2])

    found = merged(NAMES[:12], source, target)

    assert {source_file for *_, source_file, _ in found} == {UNKNOWN}
    assert [target_file and target_file.size for *_, target_file in found] == [0, 1] + [None] * 10
    assert (source.asked, target.asked) == (["0/~"], ["0/~"])
    assert source.lists is True, "another run may find it changed"


def test_a_store_that_does_not_list_is_never_asked():
    source = Pages(NAMES)
    source.lists = False

    assert {each[2] for each in merged(NAMES[:12], source, Pages([]))} == {UNKNOWN}
    assert source.asked == []


def test_a_busy_store_is_asked_again_and_a_broken_one_ends_the_run():
    source = Pages(NAMES, failing=[Transient(), Transient()])

    assert merged(NAMES[:2], source, Pages([]))[1][2].size == 1
    assert source.asked == ["0/~"] * 3

    with pytest.raises(Unusable, match=r"^The store cannot be listed\. Broken\.$"):
        merged(NAMES[:2], Pages(NAMES), Pages(NAMES, failing=[OSError("Broken.")]))


class Disorderly(Pages):
    """A store whose pages are these, whatever it is asked."""

    def page(self, after):
        self.asked.append(after)
        names, is_last = self.names[min(len(self.asked), len(self.names)) - 1]
        return Page([(name, FileInfo(1, 0.0)) for name in names], names[-1], is_last)


@pytest.mark.parametrize(
    "pages",
    [
        [(["02", "01"], True)],
        [(["01", "02", "00"], True)],
        [(["01"], False), (["00"], False)],  # it ends before it has begun
        [(["01"], False), (["01"], False)],
    ],
)
def test_a_store_without_an_order_is_asked_for_each_file(pages):
    assert merged(["05"], Disorderly(pages), Pages([]))[0][2] is UNKNOWN


class Slow(Pages):
    """A store that keeps all pages but the first back until it is told."""

    def __init__(self, names):
        super().__init__(names)
        self.may_answer = Event()

    def page(self, after):
        if self.asked:
            self.may_answer.wait(timeout=10)
        return super().page(after)


def test_who_stops_early_waits_for_no_page():
    store = Slow(NAMES)
    merging = merge_listings(((name, None) for name in NAMES), store, Pages([]), Retry())
    next(merging)

    merging.close()

    assert len(store.asked) == 1
    store.may_answer.set()


def test_before_the_first_page_a_listing_tells_of_no_name():
    listing = Listing(Pages(NAMES), Retry())

    assert (listing.end, listing["00"]) == ("", None)
    listing.lists = False
    assert (listing.end, listing["00"]) == (listings.LAST_NAME, UNKNOWN)


@pytest.mark.parametrize(
    ("name", "before"),
    [("b", "a~"), ("ab", "aa~"), ("a", "`~"), ("a!", "a ~"), ("a ", "a"), ("a\0", "a")],
)
def test_a_listing_starts_just_before_a_name(name, before):
    assert listings.just_before(name) == before


@pytest.mark.parametrize(
    ("result", "has_arrived", "is_right_source", "ends"),
    [
        ("missing", False, False, True),
        ("missing", True, False, False),
        ("missing", False, True, False),
        ("missing", True, True, False),
        ("denied", False, False, True),
        ("denied", True, False, False),
        ("denied", False, True, True),
        ("denied", True, True, False),
        ("failed", False, False, True),
        ("failed", True, False, True),
        ("failed", False, True, True),
        ("failed", True, True, True),
    ],
)
def test_equal_failures_end_a_run_unless_they_are_about_single_files(
    result, has_arrived, is_right_source, ends
):
    """Y11: a file that is missing or denied is one of many once another is there."""
    failures = EqualFailures("here", "there")
    failures.is_right_source = is_right_source
    if has_arrived:
        failures.add(Outcome("z", "unchanged", 0, "", None))
    for _ in range(EQUAL_FAILURES - 1):
        failures.add(Outcome("a", result, 0, "Why.", None))

    if ends:
        with pytest.raises(Unusable):
            failures.add(Outcome("a", result, 0, "Why.", None))
    else:
        failures.add(Outcome("a", result, 0, "Why.", None))
    assert failures.count == EQUAL_FAILURES


class Copied:
    """In the place of a Transfer: notes the order, and answers for each name."""

    def __init__(self, **answers):
        self.retry, self.answers, self.order = Retry(), answers, []

    def copy_one(self, name, source_file, target_file):
        self.order.append((name, source_file, target_file))
        answer = self.answers.get(name, ("copied", 1, ""))
        if isinstance(answer, BaseException):
            raise answer
        return answer


def test_of_waiting_files_the_largest_goes_first_and_equal_ones_in_their_order():
    done = Copied()
    workers = engine.Workers(done, 1)
    files = {"a": 5, "b": 9, "c": 5, "d": 0, "e": 9}
    workers._threads.append(None)  # none works yet
    for name, size in files.items():
        workers.submit(name, [name], FileInfo(size, 0.0), None)
    workers.submit("f", [], UNKNOWN, FileInfo(1, 0.0))
    workers._threads.clear()
    assert workers.waiting == 6

    workers.submit("g", [], FileInfo(10, 0.0), None)
    found = [workers.next_outcome() for _ in range(7)]

    assert [name for name, *_ in done.order] == ["g", "b", "e", "a", "c", "d", "f"]
    assert done.order[-1] == ("f", UNKNOWN, FileInfo(1, 0.0))
    assert found[1] == Outcome("b", "copied", 1, "", ["b"])
    assert workers.waiting == 0
    assert len(workers._threads) == 1
    assert list(workers.outcomes_so_far()) == []
    workers.stop()
    assert [thread.is_alive() for thread in workers._threads] == [False]


def test_there_are_no_more_threads_than_jobs_or_files():
    for jobs, files, threads in ((1, 3, 1), (2, 3, 2), (3, 3, 3), (9, 3, 3)):
        workers = engine.Workers(Copied(), jobs)
        for name in range(files):
            workers.submit(str(name), [], FileInfo(1, 0.0), None)

        assert len(workers._threads) == threads
        assert all(thread.daemon for thread in workers._threads)
        while workers.waiting:
            workers.next_outcome()
        workers.stop()


def test_what_is_not_about_one_file_is_raised_where_outcomes_are_read():
    workers = engine.Workers(Copied(a=Unusable("No bucket.")), 1)
    workers.submit("a", [], FileInfo(1, 0.0), None)

    with pytest.raises(Unusable, match="No bucket"):
        workers.next_outcome()
    assert workers.waiting == 0
    workers._threads[0].join(10)
    assert not workers._threads[0].is_alive()
