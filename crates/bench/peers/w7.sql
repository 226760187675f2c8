-- A session begins where more than 10 s lie before an event of the key, in order of time.
WITH begun AS (
    SELECT ts, key, value, coalesce(ts - lag(ts) OVER (PARTITION BY key ORDER BY ts) > 10000, false)::INT AS begins
    FROM events
), numbered AS (
    SELECT ts, key, value, sum(begins) OVER (PARTITION BY key ORDER BY ts) AS number
    FROM begun
)
SELECT min(ts) AS start, key, count(*), sum(value), min(value), max(value), avg(value)
FROM numbered GROUP BY key, number
