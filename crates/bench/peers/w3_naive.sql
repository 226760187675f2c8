-- Each event enters 30 windows.
SELECT ts - ts % 10000 - back * 10000 AS start, key, count(*), sum(value), min(value), max(value), avg(value)
FROM events, range(30) AS slides(back) GROUP BY ALL
