import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Lifecycle, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { withPage } from "./support/page.js";
import { advance, fake, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(startClock);

const minute = 60_000;

async function dial(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/api/other", { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await settle();
  return { net, socket, log };
}
type Dialled = Awaited<ReturnType<typeof dial>>;

/** Moves the clock while the server is away: each attempt fails. */
async function away({ net }: Dialled, ms: number) {
  for (let passed = 0; passed < ms; passed += 1000) {
    if (net.last.readyState < 2) net.last.end(1006);
    await advance(1000);
  }
}
const delays = ({ log }: Dialled) => (log.of("reconnecting") as Lifecycle["reconnecting"][]).map(({ delay }) => delay);

test("after an outage of ten minutes the socket connects by itself, and what was typed arrives", async () => {
  const all = await dial();
  all.net.last.welcome();
  all.net.last.end(1006);
  all.socket.emit("sendMessage", { room: "a", text: "typed at once" });
  await away(all, 10 * minute);
  all.socket.emit("sendMessage", { room: "a", text: "typed late" });
  assert.equal(all.socket.status, "reconnecting");
  assert.deepEqual(all.log.of("reconnectFailed"), []);
  assert.equal(Math.max(...delays(all)), 30_000, "the waits are capped");
  while (all.net.last.readyState === 3) await advance(1000);
  all.net.last.welcome();
  assert.equal(all.socket.status, "connected");
  assert.deepEqual(
    all.net.last.sent.map(([, data]) => (data as { text: string }).text),
    ["typed at once", "typed late"],
  );
});

/** A socket that has given up after two attempts. */
async function gaveUp() {
  const all = await dial({ maxReconnectAttempts: 2 });
  await away(all, 10_000);
  assert.equal(all.socket.status, "closed");
  assert.deepEqual(all.socket.lastClose, { code: 1006, reason: "", cause: "gaveUp" });
  assert.equal(all.net.made.length, 3);
  return all;
}

for (const trigger of ["online", "visibilitychange", "pageshow"])
  test(`with a bound, ${trigger} begins anew after giving up`, () =>
    withPage(async (page) => {
      const all = await gaveUp();
      page.fire(trigger);
      await advance(100);
      assert.equal(all.socket.status, "reconnecting");
      assert.equal(all.net.made.length, 4);
      all.net.last.welcome();
      assert.equal(all.socket.status, "connected");
    }));

test("with a bound, emit and call begin anew after giving up, and are sent", async () => {
  for (const begin of [
    ({ socket }: Dialled) => socket.emit("joinRoom", { room: "a" }),
    ({ socket }: Dialled) => void socket.call("joinRoom", { room: "a" }).catch(() => {}),
  ]) {
    const all = await gaveUp();
    begin(all);
    assert.equal(all.socket.status, "reconnecting");
    await advance(100);
    all.net.last.welcome();
    assert.deepEqual(all.net.last.sent.map(([name]) => name), ["joinRoom"]);
  }
});

test("after giving up it begins anew at most once per wait, whatever triggers it", () =>
  withPage(async (page) => {
    const all = await dial({ maxReconnectAttempts: 1, reconnectInterval: 8000 });
    all.net.last.end(1006);
    await advance(8000);
    all.net.last.end(1006);
    assert.equal(all.socket.status, "closed");
    // The wait after the last attempt would be 16 s.
    for (let i = 0; i < 15; i++) {
      all.socket.emit("touch");
      page.fire("online");
      page.fire("visibilitychange");
      await advance(1000);
    }
    assert.equal(all.net.made.length, 2);
    await advance(1000);
    assert.equal(all.net.made.length, 3);
  }));

test("close after giving up keeps the socket closed, and emit fails", () =>
  withPage(async (page) => {
    const all = await gaveUp();
    all.socket.close();
    assert.equal(all.socket.lastClose?.cause, "closed");
    page.fire("online");
    assert.equal(all.socket.emit("touch"), false);
    await advance(minute);
    assert.equal(all.net.made.length, 3);
    assert.equal(page.listeners(), 0);
  }));

test("after a final close code neither emit nor the page begins anew, and connect does", () =>
  withPage(async (page) => {
    const all = await dial({ maxReconnectAttempts: 2 });
    all.net.last.open("parlor.v1.json");
    all.net.last.end(4501, "token expired");
    page.fire("online");
    assert.equal(all.socket.emit("touch"), false);
    await advance(minute);
    assert.equal(all.net.made.length, 1);
    all.socket.connect();
    await settle();
    assert.equal(all.net.made.length, 2);
  }));

test("wakeOn starts a waiting attempt, begins anew after giving up, and is stopped by close", async () => {
  let wake = () => {};
  let stopped = 0;
  const wakeOn = (given: () => void) => {
    wake = given;
    return () => void stopped++;
  };
  const all = await dial({ maxReconnectAttempts: 2, wakeOn, reconnectInterval: 20_000 });
  all.net.last.end(1006);
  wake();
  await settle();
  assert.equal(all.net.made.length, 2);
  all.net.last.end(1006);
  wake();
  await settle();
  all.net.last.end(1006);
  assert.equal(all.socket.status, "closed");
  await advance(30_000);
  wake();
  await advance(100);
  assert.equal(all.net.made.length, 4);
  assert.equal(stopped, 0);
  all.socket.close();
  assert.equal(stopped, 1);
});
