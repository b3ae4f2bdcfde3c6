"""The time to sign a link, beside the ways of other libraries: make bench.

Ratios of medians taken in one run; the figures themselves depend on the machine.
"""

import os
import statistics
import time

from tests.support.deployed import ENVIRONMENT

ROUNDS, LINKS = 15, 100


def microseconds(make_link) -> float:
    started = time.perf_counter()
    for number in range(LINKS):
        make_link(f"resumes/{number}.pdf")
    return (time.perf_counter() - started) / LINKS * 1e6


def main():
    os.environ.update(ENVIRONMENT | {"DJANGO_SETTINGS_MODULE": "portal.settings"})
    import django

    django.setup()
    from django.core.files.storage import storages
    from storages.backends.s3 import S3Storage

    protected, public = storages["protected"], storages["default"]
    stock = S3Storage(
        bucket_name=protected.bucket_name,
        access_key=protected.access_key,
        secret_key=protected.secret_key,
        region_name=protected.region_name,
        signature_version="s3v4",
        location="protected",
    )
    ways = {
        "this site's protected link": protected.url,
        "django-storages, as it comes": stock.url,
        "this site's public address": public.url,
    }
    for make_link in ways.values():
        make_link("resumes/warm-up.pdf")
    costs = {name: [] for name in ways}
    for _ in range(ROUNDS):  # interleaved, so that a busy moment hits all of them
        for name, make_link in ways.items():
            costs[name].append(microseconds(make_link))
    medians = {name: statistics.median(each) for name, each in costs.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{name:<32}{median:8.1f} us   {median / first:6.2f} x")


if __name__ == "__main__":
    main()
