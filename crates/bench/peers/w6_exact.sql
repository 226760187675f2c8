SELECT ts - ts % 60000 AS start, key, count(*), sum(value), min(value), max(value), avg(value),
    quantile_cont(value, 0.5), quantile_cont(value, 0.99)
FROM events GROUP BY ALL
