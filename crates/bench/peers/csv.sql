SELECT epoch_ms("at") AS ts, key, value
FROM read_csv('FILE', header = true, columns = {'at': 'TIMESTAMP', 'key': 'VARCHAR', 'value': 'DOUBLE'})
