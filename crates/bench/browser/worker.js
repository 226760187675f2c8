// Holds the events and does the works; all time is taken here, around nothing but the work.

import init, { Bench } from "./kappascope_bench.js";
import { readers } from "./text.js";
import { check, tumbling } from "./typed_arrays.js";

let bench, totals;
let columns = null; // The events as JavaScript has them, while a work needs them.
let bytes = null; // A file of them.

const timed = (run) => {
  const start = performance.now();
  run();
  return performance.now() - start;
};

const calls = {
  async start(events) {
    await init();
    bench = new Bench(events);
  },
  write(form, events) {
    totals = bench.write(form, events);
    bytes = bench.bytes();
    check(tumbling(readers[form](bytes)), totals);
    return totals;
  },
  bytes: () => bytes,
  read: () => timed(() => bench.read()),
  readWithJavaScript: (form) => timed(() => tumbling(readers[form](bytes))),
  choose(work) {
    columns = bytes = null;
    return (totals = bench.choose(work));
  },
  columns: () => ({ times: bench.times(), keys: bench.keys(), values: bench.values() }),
  prepareDetectors() {
    columns = bytes = null;
    bench.prepare_detectors();
  },
  detect: (kind) => timed(() => bench.detect(kind)),
  engine: () => timed(() => bench.engine()),
  byHand: () => timed(() => bench.by_hand()),
  typedArrays() {
    if (!columns) check(tumbling((columns = calls.columns())), totals);
    return timed(() => tumbling(columns));
  },
};

onmessage = async ({ data: [name, ...args] }) => {
  try {
    postMessage({ result: await calls[name](...args) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
