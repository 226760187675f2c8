// W1 as a person writes it in JavaScript: count, sum, minimum and maximum in typed arrays, a cell for each key and
// minute, the average when a minute is complete.

const START = 1_767_571_200_000;
const MINUTE = 60_000;
const KEYS = 3;
const CELLS = 60 * KEYS;

export function tumbling({ times, keys, values }) {
  const counts = new Float64Array(CELLS);
  const sums = new Float64Array(CELLS);
  const least = new Float64Array(CELLS).fill(Infinity);
  const most = new Float64Array(CELLS).fill(-Infinity);
  for (let i = 0; i < times.length; i++) {
    const cell = (((times[i] - START) / MINUTE) | 0) * KEYS + keys[i];
    const value = values[i];
    counts[cell]++;
    sums[cell] += value;
    if (value < least[cell]) least[cell] = value;
    if (value > most[cell]) most[cell] = value;
  }
  const averages = sums.map((sum, cell) => sum / counts[cell]);
  return { counts, sums, least, most, averages };
}

/** Throws when the totals are not the engine's: rows, then start, count, sum, min, max, avg, each with a tolerance. */
export function check({ counts, sums, least, most, averages }, [rows, , , ...expected]) {
  const found = counts.filter((count) => count > 0).length;
  if (found !== rows) throw new Error(`the JavaScript loop has ${found} windows, the engine ${rows}`);
  for (const [at, figures] of [counts, sums, least, most, averages].entries()) {
    const total = figures.reduce((sum, figure) => sum + figure);
    const [ours, tolerance] = expected.slice(2 * at, 2 * at + 2);
    if (!(Math.abs(total - ours) <= tolerance * Math.abs(ours)))
      throw new Error(`the JavaScript loop has a total of ${total}, the engine ${ours}`);
  }
}
