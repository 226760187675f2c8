"""Writes the Parquet files beside this one, and `events.csv` with the same events.

    pip install pyarrow==26.0.1 duckdb==2.0.0 && python make.py

Every `events-*.parquet` holds the events of `events.csv`.
"""

import datetime
import decimal
import random

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

ROWS = 600
random.seed(7)
start = 1_714_557_600_000
at = [start + i * 250 + random.randint(-3_000, 0) for i in range(ROWS)]
who = [random.choice(["ann", "bob", "zoë", "", "d,e"]) for _ in range(ROWS)]
code = [random.choice([200, 404, 500]) for _ in range(ROWS)]
ms = [random.randint(0, 80_000) / 8 for _ in range(ROWS)]
for i in range(0, ROWS, 97):
    ms[i] = None  # refused, as an empty cell is

plain = pa.table({"at": pa.array(at, pa.int64()), "who": who, "code": code, "ms": ms})
pa.csv.write_csv(plain, "events.csv")


def write(name, table=plain, **settings):
    pq.write_table(table, f"events-{name}.parquet", **settings)


for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
    for version in ["1.0", "2.0"]:
        write(f"{codec}-v{version[0]}", compression=codec, data_page_version=version, data_page_size=1024)
write("groups", compression="zstd", row_group_size=170)
write("plain-text", use_dictionary=False)
# Text that outgrows its dictionary goes on without one.
write("half-dictionary", dictionary_pagesize_limit=16, data_page_size=512)
write("delta", use_dictionary=False, column_encoding={
    "at": "DELTA_BINARY_PACKED", "who": "DELTA_BYTE_ARRAY", "code": "DELTA_BINARY_PACKED",
    "ms": "BYTE_STREAM_SPLIT"})
for unit, factor in [("ms", 1), ("us", 1_000), ("ns", 1_000_000)]:
    for zone in [None, "Europe/Berlin"]:
        times = pa.array([time * factor for time in at], pa.timestamp(unit, zone))
        name = f"{unit}-zone" if zone else unit
        write(name, plain.set_column(0, "at", times))
times = pa.array([time * 1_000_000 for time in at], pa.timestamp("ns"))
write("int96", plain.set_column(0, "at", times), use_deprecated_int96_timestamps=True)
write("large-text", plain.set_column(1, "who", pa.array(who, pa.large_string())))
write("dictionary-text", plain.set_column(1, "who", pa.array(who).dictionary_encode()))
write("small-integers", plain.set_column(2, "code", pa.array(code, pa.uint16())))
write("unsigned", plain.set_column(2, "code", pa.array(code, pa.uint64())))
halves = [None if x is None else decimal.Decimal(x).quantize(decimal.Decimal("0.001")) for x in ms]
write("decimal", plain.set_column(3, "ms", pa.array(halves, pa.decimal128(12, 3))))
write("wide-decimal", plain.set_column(3, "ms", pa.array(halves, pa.decimal256(50, 3))))
duckdb.sql("copy (select * from plain) to 'events-duckdb.parquet' (format parquet, codec zstd)")

nested = pa.table({
    "at": pa.array(at, pa.int64()),
    "user": pa.array([None if name == "bob" else {"name": name, "ok": name == "ann"} for name in who],
                     pa.struct([("name", pa.string()), ("ok", pa.bool_())])),
    "tags": pa.array([["x"] * (i % 3) for i in range(ROWS)]),
    "raw": pa.array([b"\x00\xff"] * ROWS),
    "day": pa.array([datetime.date(2024, 5, 1) + datetime.timedelta(i % 3) for i in range(ROWS)]),
})
pq.write_table(nested.slice(0, 40), "nested.parquet")
