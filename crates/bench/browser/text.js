// Reading a file as a person writes it in JavaScript: decoded at once, a line at a time, numbers into typed arrays.

const lines = (bytes) => {
  const lines = new TextDecoder().decode(bytes).split("\n");
  lines.pop(); // What follows the last line end.
  return lines;
};

const columns = (rows) => ({ times: new Float64Array(rows), keys: new Uint32Array(rows), values: new Float64Array(rows) });

/** By the id of a form: the bytes of a file to the columns of typed_arrays.js. */
export const readers = {
  csv(bytes) {
    const [, ...rows] = lines(bytes);
    const { times, keys, values } = columns(rows.length);
    rows.forEach((row, i) => {
      const [at, key, value] = row.split(",");
      times[i] = Date.parse(at);
      keys[i] = Number(key);
      values[i] = Number(value);
    });
    return { times, keys, values };
  },

  jsonl(bytes) {
    const rows = lines(bytes);
    const { times, keys, values } = columns(rows.length);
    rows.forEach((row, i) => {
      const { at, key, value } = JSON.parse(row);
      times[i] = Date.parse(at);
      keys[i] = Number(key);
      values[i] = value;
    });
    return { times, keys, values };
  },
};
