// What the driver (benches/browser.rs) calls: `choose` a work or `write` a file, then `run` its contestants in turn.

const worker = new Worker("worker.js", { type: "module" });
const waiting = [];
worker.onmessage = ({ data }) => {
  const { done, failed } = waiting.shift();
  "error" in data ? failed(new Error(data.error)) : done(data.result);
};

/** Calls a function of worker.js. */
const call = (name, ...args) =>
  new Promise((done, failed) => {
    waiting.push({ done, failed });
    worker.postMessage([name, ...args]);
  });

let peers = null;
let contestants = {};

globalThis.kappascope = {
  /** The tests' harness waits until this answers. */
  stats: () => ({}),

  /** Makes a bench for works of so many events; with DuckDB when its folder is served. */
  async start(events, withPeers) {
    if (withPeers) peers = await (await import("./duckdb.js")).start();
    return call("start", events);
  },

  /** Prepares a work, whose results are checked; gives the names of the contestants, the engine first. */
  async choose(work) {
    const totals = await call("choose", work);
    contestants = { ours: () => call("engine"), "loop by hand": () => call("byHand") };
    if (work === "w1") contestants["JavaScript loop"] = () => call("typedArrays");
    if (peers) Object.assign(contestants, await peers.contestants(work, totals, () => call("columns")));
    return Object.keys(contestants);
  },

  /** Prepares a kind of detector. */
  async detect(kind) {
    await call("prepareDetectors");
    contestants = { ours: () => call("detect", kind) };
    return Object.keys(contestants);
  },

  /** Prepares the reading of a file of so many events. */
  async write(form, events) {
    const totals = await call("write", form, events);
    contestants = { ours: () => call("read"), JavaScript: () => call("readWithJavaScript", form) };
    if (peers) Object.assign(contestants, await peers.readers(form, totals, () => call("bytes")));
    return Object.keys(contestants);
  },

  /** The milliseconds of one run. */
  run: (name) => contestants[name](),
};
