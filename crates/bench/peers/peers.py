"""DuckDB and Polars over the events that the benchmark sends, one thread each.

Started by the benchmark, which says what to do on standard input (see peers.rs beside it) and checks the totals.
Times and keys come as the numbers that they are in our log: no program has to parse or hash a text.
"""

import os
import sys
import time
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"

import duckdb
import numpy
import polars
from polars import col

HERE = Path(__file__).parent
START = 1_767_571_200_000
DUCKDB, POLARS = f"DuckDB {duckdb.__version__}", f"Polars {polars.__version__}"

connection = duckdb.connect()
connection.execute("SET threads = 1")
# The order of the results is nobody's business here, and keeping it costs.
connection.execute("SET preserve_insertion_order = false")
frames = {}


# Every query gives `start`, `key` and then figures, of which the benchmark gets the totals.


def measures(column="value"):
    value = col(column)
    return [
        polars.len().alias("count"),
        value.sum().alias("sum"),
        value.min().alias("min"),
        value.max().alias("max"),
        value.mean().alias("avg"),
    ]


def tumbling(size, *more):
    window = (col("ts") - col("ts") % size).alias("start")
    return lambda events: events.group_by(window, "key").agg(*measures(), *more)


def hopping(events):
    """Panes of 10 s, each of which enters 30 windows."""
    panes = events.group_by((col("ts") - col("ts") % 10_000).alias("pane"), "key").agg(*measures())
    slides = polars.LazyFrame({"back": range(30)})
    count, total = col("count").sum(), col("sum").sum()
    windows = panes.join(slides, how="cross").group_by((col("pane") - col("back") * 10_000).alias("start"), "key")
    return windows.agg(count, total, col("min").min(), col("max").max(), (total / count).alias("avg"))


def zscore(events):
    past = {"window_size": 30, "min_samples": 10}
    compared = events.with_columns(
        mean=col("value").rolling_mean(**past).shift(1).over("key"),
        deviation=col("value").rolling_std(**past).shift(1).over("key"),
    )
    score = ((col("value") - col("mean")) / col("deviation")).abs().alias("score")
    return compared.filter(col("mean").is_not_null()).select(col("ts").alias("start"), "key", "mean", score)


def sessions(events):
    begins = (col("ts").diff() > 10_000).fill_null(False) | (col("key") != col("key").shift(1))
    numbered = events.sort("key", "ts").with_columns(number=begins.fill_null(False).cum_sum())
    grouped = numbered.group_by("number").agg(col("ts").min().alias("start"), col("key").first(), *measures())
    return grouped.drop("number")


QUANTILES = [col("value").quantile(q).alias(f"p{100 * q:g}") for q in (0.5, 0.99)]

# A work, a name, and how it is done: a file for DuckDB, a lazy frame for Polars.
WORKS = [
    ("w1", DUCKDB, "w1.sql"),
    ("w1", POLARS, tumbling(60_000)),
    ("w2", DUCKDB, "w2.sql"),
    ("w2", POLARS, tumbling(1_000)),
    ("w3", f"{DUCKDB}, panes", "w3_panes.sql"),
    ("w3", f"{DUCKDB}, naive", "w3_naive.sql"),
    ("w3", f"{POLARS}, panes", hopping),
    ("w4", DUCKDB, "w4.sql"),
    ("w4", POLARS, zscore),
    ("w6", f"{DUCKDB}, exact", "w6_exact.sql"),
    ("w6", f"{DUCKDB}, t-digest", "w6_tdigest.sql"),
    ("w6", f"{POLARS}, exact", tumbling(60_000, *QUANTILES)),
    ("w7", DUCKDB, "w7.sql"),
    ("w7", POLARS, sessions),
]


# Works that read a file before W1.

SCANS = {"csv": polars.scan_csv, "jsonl": polars.scan_ndjson, "parquet": polars.scan_parquet}


def file_with_duckdb(work, path):
    events = (HERE / f"{work}.sql").read_text().replace("FILE", path)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW file AS {events}")
    return with_duckdb("file", (HERE / "w1.sql").read_text())


def file_with_polars(work, path):
    at = col("at")
    types = {}
    if work != "parquet":  # which has its own
        types = {"schema": {"at": polars.String, "key": polars.String, "value": polars.Float64}}
        at = at.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms")
    events = SCANS[work](path, **types).with_columns(at.cast(polars.Int64).alias("ts"))
    return tumbling(60_000)(events).collect


def load(stream, rows):
    """Takes the columns from standard input into both programs."""
    column = lambda kind: numpy.frombuffer(sys.stdin.buffer.read(rows * kind.itemsize), kind)
    ts, key, value = (column(numpy.dtype(kind)) for kind in ("<i8", "<u4", "<f8"))
    arrays = {"ts": ts, "key": key, "value": value, "row": numpy.arange(rows, dtype="<u4")}
    connection.execute(f"CREATE TABLE {stream} AS SELECT * FROM arrays")
    frames[stream] = polars.DataFrame({name: arrays[name] for name in ("ts", "key", "value")}).lazy()


def with_duckdb(stream, query):
    """The totals are taken in the same statement: that spares DuckDB handing out the rows."""
    figures = f"sum(start - {START}), sum(COLUMNS(* EXCLUDE (start, key)))"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM {stream}")
    return lambda: connection.execute(f"SELECT count(*), {figures} FROM ({query})").fetchone()


def totals(frame):
    figures = [polars.len().alias("rows"), (col("start") - START).sum(), polars.exclude("start", "key").sum()]
    return frame.select(figures).row(0)


def run(work, stream, name):
    """Seconds, number of rows, totals. The events are a stream that was loaded, or a file."""
    how = next((how for known, whose, how in WORKS if (known, whose) == (work, name)), None)
    if work in SCANS:
        how = {DUCKDB: file_with_duckdb, POLARS: file_with_polars}[name]
        job = how(work, stream)
    elif callable(how):
        job = how(frames[stream]).collect
    else:
        job = with_duckdb(stream, (HERE / how).read_text())
    begin = time.perf_counter()
    result = job()
    seconds = time.perf_counter() - begin
    return seconds, *(totals(result) if isinstance(result, polars.DataFrame) else result)


def main():
    files = [(work, name) for work in SCANS for name in (DUCKDB, POLARS)]
    for work, name in [(work, name) for work, name, _ in WORKS] + files:
        print(work, name, sep="\t")
    print(flush=True)
    for line in iter(sys.stdin.buffer.readline, b""):
        match line.decode().rstrip("\n").split("\t"):
            case ["load", stream, rows]:
                load(stream, int(rows))
            case ["run", work, stream, name]:
                print(*run(work, stream, name), sep="\t", flush=True)


main()
