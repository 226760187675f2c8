SELECT epoch_ms("at") AS ts, key, value
FROM read_json('FILE', format = 'newline_delimited', columns = {'at': 'TIMESTAMP', 'key': 'VARCHAR', 'value': 'DOUBLE'})
