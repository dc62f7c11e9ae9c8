import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { CallError, connect, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(startClock);

async function dial(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await settle();
  return { net, socket, log };
}

async function connected(options: Options = {}) {
  const all = await dial(options);
  all.net.last.welcome();
  return all;
}

test("answers in any order resolve the calls with their ids", async () => {
  const { net, socket } = await connected();
  const calls = Array.from({ length: 100 }, (_, i) => socket.call("joinRoom", { room: `r${i}` }));
  const ids = net.last.sent.map(([, , id]) => id);
  assert.equal(new Set(ids).size, 100);
  assert.ok(ids.every(Number.isSafeInteger));
  for (const [name, data, id] of [...net.last.sent].reverse()) {
    assert.equal(name, "joinRoom");
    net.last.frame("$ok", [(data as { room: string }).room], id);
  }
  assert.deepEqual(
    await Promise.all(calls),
    calls.map((_, i) => [`r${i}`]),
  );
});

test("ids are not reused after a reconnect", async () => {
  const { net, socket } = await connected();
  socket.call("clear").catch(() => {});
  net.last.end(1012);
  await advance(1000);
  net.last.welcome();
  const call = socket.call("joinRoom", { room: "a" });
  net.last.frame("$ok", ["old"], net.made[0]?.sent[0]?.[2]);
  net.last.frame("$ok", ["new"], net.last.sent[0]?.[2]);
  assert.deepEqual(await call, ["new"]);
});

test("an $err rejects its call with code, message and details, and is not an error event", async () => {
  const { net, socket, log } = await connected();
  const call = socket.call("joinRoom", { room: "a" });
  const details = { error: "noEntry", message: "full" };
  net.last.frame("$err", { code: "refused", message: "refused", details }, 1);
  const error = await call.catch((error: unknown) => error);
  assert.ok(error instanceof CallError);
  assert.deepEqual({ ...error }, { name: "CallError", code: "refused", close: undefined, details });
  assert.equal(error.message, "refused");
  assert.deepEqual(log.of("error"), []);
});

test("a failed call, or one with a code of a newer server, rejects with the server's message", async () => {
  const { net, socket } = await connected();
  for (const code of ["failed", "ofTomorrow"]) {
    const call = socket.call("clear");
    const message = "the answer cannot be encoded: `[2].max`: inf is no JSON number";
    net.last.frame("$err", { code, message }, net.last.sent.at(-1)?.[2]);
    await assert.rejects(call, { code, message });
  }
});

test("an $err without content rejects its call", async () => {
  const { net, socket } = await connected();
  const call = socket.call("clear");
  net.last.frame("$err", null, 1);
  await assert.rejects(call, CallError);
});

test("a call times out by its own timeout or the socket's, and its late answer is ignored", async () => {
  const { net, socket, log } = await connected({ callTimeout: 5000 });
  const outcomes: string[] = [];
  const call = (name: string, options?: { timeout: number }) =>
    socket.call("clear", {}, options).then(
      () => outcomes.push(`${name} ok`),
      (error: CallError) => outcomes.push(`${name} ${error.code}`),
    );
  void call("own", { timeout: 100 });
  void call("default");
  void call("never", { timeout: Infinity });
  await advance(100);
  assert.deepEqual(outcomes.splice(0), ["own timedOut"]);
  await advance(4800);
  assert.deepEqual(outcomes, []);
  await advance(100);
  assert.deepEqual(outcomes.splice(0), ["default timedOut"]);
  net.last.frame("$ok", null, 1);
  net.last.frame("$err", { code: "busy", message: "" }, 2);
  net.last.frame("$ok", null, 3);
  await settle();
  assert.deepEqual(outcomes, ["never ok"]);
  assert.deepEqual(log.of("error"), []);
});

test("callTimeout defaults to 10 s", async () => {
  const { socket } = await connected();
  const call = assert.rejects(socket.call("clear"), { code: "timedOut" });
  await advance(10_000);
  await call;
});

test("an answered call removes its listener from the signal", async () => {
  const { net, socket } = await connected();
  const { signal } = new AbortController();
  let listening = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: [any, any]) => (listening++, addEventListener.apply(signal, args));
  signal.removeEventListener = (...args: [any, any]) => (listening--, removeEventListener.apply(signal, args));
  const call = socket.call("clear", {}, { signal });
  assert.equal(listening, 1);
  net.last.frame("$ok", null, 1);
  assert.equal(await call, null);
  assert.equal(listening, 0);
});

test("a queued call is sent once connected; its timeout starts when it is made", async () => {
  const { net, socket } = await dial();
  const answered = socket.call("clear", {}, { timeout: 9000 });
  const late = assert.rejects(socket.call("clear", {}, { timeout: 3000 }), { code: "timedOut" });
  await advance(3000);
  await late;
  net.last.welcome();
  assert.deepEqual(net.last.sent, [["clear", {}, 1]], "the one that timed out is not sent");
  net.last.frame("$ok", null, 1);
  assert.equal(await answered, null);
});

test("a call aborted before, while queued, or after it is sent rejects with the reason; the first two are not sent", async () => {
  const { net, socket } = await dial();
  const reason = new Error("enough");
  await assert.rejects(socket.call("clear", {}, { signal: AbortSignal.abort(reason) }), reason);
  const queued = new AbortController();
  const queuedCall = assert.rejects(socket.call("clear", {}, { signal: queued.signal }), reason);
  queued.abort(reason);
  await queuedCall;
  net.last.welcome();
  assert.deepEqual(net.last.sent, []);
  const sent = new AbortController();
  const sentCall = socket.call("clear", {}, { signal: sent.signal });
  assert.equal(net.last.sent.length, 1);
  sent.abort(reason);
  net.last.frame("$ok", null, net.last.sent[0]?.[2]);
  await assert.rejects(sentCall, reason);
});

test("a lost connection rejects sent calls and keeps queued ones", async () => {
  const { net, socket } = await connected();
  const sent = socket.call("clear");
  net.last.readyState = 2;
  const queued = socket.call("joinRoom", { room: "a" });
  net.last.end(1006);
  const later = socket.call("joinRoom", { room: "b" });
  await assert.rejects(sent, { code: "disconnected" });
  await advance(1000);
  net.last.welcome();
  assert.deepEqual(net.last.sent, [["joinRoom", { room: "a" }, 2], ["joinRoom", { room: "b" }, 3]]);
  net.last.frame("$ok", ["a"], 2);
  net.last.frame("$ok", ["b"], 3);
  assert.deepEqual([await queued, await later], [["a"], ["b"]]);
});

test("close and the last failed attempt reject all calls", async () => {
  const closed = await connected();
  const failed = await dial({ maxReconnectAttempts: 0 });
  const calls = [closed.socket.call("clear")];
  closed.net.last.readyState = 2;
  calls.push(closed.socket.call("clear"));
  closed.socket.close();
  calls.push(closed.socket.call("clear"));
  calls.push(failed.socket.call("clear"));
  failed.net.last.open("parlor.v1.json");
  failed.net.last.end(1006);
  const outcomes = await Promise.allSettled(calls);
  for (const outcome of outcomes)
    assert.equal(outcome.status === "rejected" && outcome.reason.code, "closed");
});

test("answers with unknown ids are ignored", async () => {
  const { net, socket } = await connected();
  const call = socket.call("clear");
  for (const id of [0, 2, "1", null, {}, "__proto__"]) net.last.frame("$ok", 7, id);
  net.last.frame("$ok", 7);
  net.last.frame("$ok", null, 1);
  assert.equal(await call, null);
});

test("a call that is aborted by a signal without a reason rejects with an AbortError", async () => {
  const { socket } = await connected();
  // As the polyfill of React Native.
  class Signal extends EventTarget {
    aborted = false;
    abort() {
      this.aborted = true;
      this.dispatchEvent(new Event("abort"));
    }
  }
  const signal = new Signal();
  const call = socket.call("clear", {}, { signal: signal as never });
  signal.abort();
  await assert.rejects(call, { name: "AbortError" });
  await assert.rejects(socket.call("clear", {}, { signal: signal as never }), { name: "AbortError" });
});

test("tryCall resolves with the answer or the error", async () => {
  const { net, socket } = await connected();
  const answered = socket.tryCall("joinRoom", { room: "a" });
  net.last.frame("$ok", ["ada"], 1);
  assert.deepEqual(await answered, { ok: true, value: ["ada"] });
  const refused = socket.tryCall("joinRoom", { room: "a" });
  net.last.frame("$err", { code: "refused", message: "refused", details: { error: "noEntry", message: "full" } }, 2);
  const result = await refused;
  assert.ok(!result.ok && result.error.code === "refused");
  assert.equal(result.error.details.message, "full");
  const signal = AbortSignal.abort();
  const aborted = await socket.tryCall("clear", {}, { signal });
  assert.ok(!aborted.ok && aborted.error.code === "aborted");
});
