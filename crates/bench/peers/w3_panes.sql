-- Each event enters one pane of 10 s, each pane 30 windows.
WITH panes AS (
    SELECT ts - ts % 10000 AS pane, key, count(*) AS n, sum(value) AS s, min(value) AS least, max(value) AS most
    FROM events GROUP BY ALL
)
SELECT pane - back * 10000 AS start, key, sum(n), sum(s), min(least), max(most), sum(s) / sum(n)
FROM panes, range(30) AS slides(back) GROUP BY ALL
