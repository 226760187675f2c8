// DuckDB-WASM over the same events, in a worker of its own. Its one thread is that worker's.

import * as duckdb from "@duckdb/duckdb-wasm";
import { tableFromArrays, tableToIPC } from "apache-arrow";

const START = 1_767_571_200_000;
const ROWS_AT_A_TIME = 1_000_000; // An insertion holds its rows several times over.
const QUERIES = { w1: { "": "w1" }, w2: { "": "w2" }, w6: { ", exact": "w6_exact", ", t-digest": "w6_tdigest" } };

export async function start() {
  const dist = new URL("./node_modules/@duckdb/duckdb-wasm/dist/", import.meta.url);
  const database = new duckdb.AsyncDuckDB(
    new duckdb.VoidLogger(),
    new Worker(new URL("duckdb-browser-eh.worker.js", dist)),
  );
  await database.instantiate(new URL("duckdb-eh.wasm", dist).href);
  const connection = await database.connect();
  const version = (await connection.query("SELECT version() AS v")).get(0).v;
  let held = null; // Which keys' events are in the table.

  return {
    async contestants(work, totals, columns) {
      if (!(work in QUERIES)) return {};
      const stream = work === "w2" ? "many keys" : "three keys";
      if (held !== stream) await insert(connection, await columns());
      held = stream;
      const named = Object.entries(QUERIES[work]).map(async ([suffix, file]) => {
        const name = `DuckDB-WASM ${version.replace("v", "")}${suffix}`;
        const query = await (await fetch(`peers/${file}.sql`)).text();
        return [name, () => run(connection, query, name, totals)];
      });
      return Object.fromEntries(await Promise.all(named));
    },

    async readers(form, totals, bytes) {
      if (form !== "csv") return {}; // What reads the others is an extension from the network.
      const name = `DuckDB-WASM ${version.replace("v", "")}`;
      await connection.query("DROP TABLE IF EXISTS events");
      held = null;
      await database.dropFile("events");
      await database.registerFileBuffer("events", await bytes());
      const text = async (file) => (await fetch(`peers/${file}.sql`)).text();
      const events = (await text(form)).replace("FILE", "events");
      const query = (await text("w1")).replace("FROM events", `FROM (${events})`);
      return { [name]: () => run(connection, query, name, totals) };
    },
  };
}

/** Makes the table `events` anew. */
async function insert(connection, { times, keys, values }) {
  await connection.query("DROP TABLE IF EXISTS events");
  for (let from = 0; from < times.length; from += ROWS_AT_A_TIME) {
    const part = (column) => column.subarray(from, from + ROWS_AT_A_TIME);
    const ts = BigInt64Array.from(part(times), BigInt);
    const table = tableFromArrays({ ts, key: part(keys), value: part(values) });
    await connection.insertArrowFromIPCStream(tableToIPC(table, "stream"), { name: "events", create: from === 0 });
  }
}

/** The totals are taken in the same statement: that spares DuckDB handing out the rows. */
async function run(connection, query, name, [rows, ...expected]) {
  const totals = `count(*), sum(start - ${START}), sum(COLUMNS(* EXCLUDE (start, key)))`;
  const begin = performance.now();
  const result = await connection.query(`SELECT COLUMNS(*)::DOUBLE FROM (SELECT ${totals} FROM (${query}))`);
  const milliseconds = performance.now() - begin;
  const [found, ...figures] = Object.values(result.get(0).toJSON());
  const near = (figure, at) => Math.abs(figure - expected[2 * at]) <= expected[2 * at + 1] * Math.abs(figure);
  if (found !== rows || 2 * figures.length !== expected.length || !figures.every(near))
    throw new Error(`${name} gives other results: ${found} rows, totals ${figures}; the engine ${rows}, ${expected}`);
  return milliseconds;
}
