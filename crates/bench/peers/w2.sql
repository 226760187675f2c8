SELECT ts - ts % 1000 AS start, key, count(*), sum(value), min(value), max(value), avg(value)
FROM events GROUP BY ALL
