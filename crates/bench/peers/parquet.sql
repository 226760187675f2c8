SELECT epoch_ms("at") AS ts, key, value
FROM read_parquet('FILE')
