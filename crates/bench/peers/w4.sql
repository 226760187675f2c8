WITH compared AS (
    SELECT ts, key, value, count(*) OVER past AS n, avg(value) OVER past AS mean, stddev_samp(value) OVER past AS deviation
    FROM events WINDOW past AS (PARTITION BY key ORDER BY row ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING)
)
SELECT ts AS start, key, mean, abs((value - mean) / deviation) FROM compared WHERE n >= 10
