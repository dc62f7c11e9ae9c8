// The Node clients of tests/tests/chaos. Each enters a room, emits `shout` from the line "Sending" on stdin to
// the line "Ending", and records all `shouted` events until the event `over`.
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { build } from "esbuild";
import WebSocket from "ws";

const [folder, baseUrl, first, count, pace] = process.argv.slice(2);
const outfile = `${folder}/client.mjs`;
await build({
  entryPoints: [`${folder}/index.ts`],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
});
const { createClient } = await import(pathToFileURL(outfile));

/** Prints a line of JSON, which the test reads. */
const print = (what) => console.log(JSON.stringify(what));

function deferred() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const phases = new Map(["Sending", "Ending"].map((name) => [name, deferred()]));
createInterface({ input: process.stdin }).on("line", (line) => phases.get(line)?.resolve());

const client = createClient({
  baseUrl,
  WebSocket,
  heartbeatInterval: 1000,
  heartbeatTimeout: 1500,
  reconnectInterval: 20,
  maxReconnectInterval: 500,
  maxReconnectAttempts: Infinity,
  connectTimeout: 700,
  callTimeout: 180_000,
  bufferSize: 100_000,
});

/** Runs one client until the event `over`. */
async function run(number) {
  const room = `room ${number % 20}`;
  const report = { client: number, room, entered: 0, received: [], shouts: 0, doubled: 0, recovered: 0, problems: [] };
  const over = deferred();
  const problem = (what) => {
    report.problems.push(JSON.stringify(what));
    // The test may fail before it reads the report.
    console.error(`client ${number}:`, what);
    over.resolve();
  };
  const socket = client.relay.$ws();
  socket.on("shouted", ({ position, client, number }) => void report.received.push([position, client, number]));
  socket.on("over", () => over.resolve());
  socket.on("reconnect", (opened) => {
    if (opened.recovered) report.recovered++;
    else problem(opened);
  });
  socket.on("error", (error) => {
    if (error.code !== "connect") problem(error);
  });
  socket.on("disconnect", (disconnect) => {
    if (!disconnect.willReconnect) problem(disconnect);
  });
  const double = async () => {
    const own = report.doubled++;
    const answer = await socket.call("double", { number: own });
    if (answer !== 2 * own) problem(`double(${own}) is ${answer}`);
  };

  report.entered = await socket.call("enter", { room, client: number });
  print("entered");
  await phases.get("Sending").promise;
  let ending = false;
  void phases.get("Ending").promise.then(() => {
    ending = true;
  });
  const calls = [];
  while (!ending && !report.problems.length) {
    const text = "x".repeat(Math.random() < 1 / 40 ? 12_000 : Math.random() * 100);
    if (socket.emit("shout", { number: report.shouts, text })) report.shouts++;
    if (Math.random() < 1 / 4) calls.push(double().catch((error) => problem(String(error))));
    await wait(Number(pace));
  }
  // This call is answered after all shouts were handled.
  calls.push(double().catch((error) => problem(String(error))));
  await Promise.all(calls);
  print("idle");
  await over.promise;
  print(report);
  socket.off("disconnect");
  socket.close();
}

await Promise.all(Array.from({ length: Number(count) }, (_, index) => run(Number(first) + index)));
process.stdin.destroy();
