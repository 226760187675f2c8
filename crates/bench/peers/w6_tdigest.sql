SELECT ts - ts % 60000 AS start, key, count(*), sum(value), min(value), max(value), avg(value),
    approx_quantile(value, 0.5), approx_quantile(value, 0.99)
FROM events GROUP BY ALL
