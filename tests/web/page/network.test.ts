import assert from "node:assert/strict";
import { test } from "node:test";

import { stopClock } from "../support/visitors";
import { fixture, type Guest } from "./fixture";

const chat = fixture();

/** Someone behind the proxy, with a clock of ours. */
const behind = (name: string): Promise<Guest> =>
  chat.guest(name, { port: chat.proxy.port, prepare: (page) => page.clock.install() });

test("a cut connection comes back, and what was said meanwhile arrives, both ways", async () => {
  const ada = await chat.guest("ada", { port: chat.proxy.port });
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await ada.status.getByText("Reconnecting").waitFor();
  await bob.say("meanwhile");
  await bob.hears("meanwhile");
  await ada.say("between");
  chat.proxy.refuse(false);
  await ada.connected();
  await ada.log.getByText("Connected again", { exact: true }).waitFor();
  await ada.hears("meanwhile");
  await bob.hears("between");
  await ada.sees("bob");
  await bob.sees("ada");
});

test("online again, it dials at once", async () => {
  const ada = await behind("ada");
  await ada.page.context().setOffline(true);
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await stopClock(ada);
  // The attempt that may have been under way fails, too.
  await Promise.all(ada.sockets.map((socket) => socket.isClosed() || socket.waitForEvent("close")));
  await ada.problem.getByText(/Attempt \d+/).waitFor();
  const dialled = ada.sockets.length;
  chat.proxy.refuse(false);
  assert.equal(ada.sockets.length, dialled);

  // Its timer stands still: nothing but `online` can make it dial.
  await ada.page.context().setOffline(false);
  await ada.connected();
  await ada.say("back");
  await ada.hears("back");
  assert.equal(ada.sockets.length, dialled + 1);
});

test("attempts made while offline do not count", async () => {
  const ada = await behind("ada");
  await ada.page.context().setOffline(true);
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await stopClock(ada);
  // More than the ten attempts that may fail.
  for (let n = 0; n < 15; n++) {
    const dialled = ada.sockets.length;
    while (ada.sockets.length === dialled) {
      await ada.problem.getByText(/Attempt \d+/).waitFor();
      await ada.page.clock.runFor(1_000);
    }
    const socket = ada.sockets.at(-1)!;
    if (!socket.isClosed()) await socket.waitForEvent("close");
  }
  await ada.status.getByText("Reconnecting").waitFor();
  chat.proxy.refuse(false);
  await ada.page.context().setOffline(false);
  await ada.connected();
});

test("whoever sees the tab again sees at once that nobody is there", async () => {
  const ada = await behind("ada");
  await ada.say("before");
  await ada.hears("before");
  chat.proxy.swallow();
  chat.proxy.refuse();
  await stopClock(ada);
  // No test can put a tab to sleep: this is what it hears when it wakes up.
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await ada.page.clock.runFor(4_900);
  assert.equal(await ada.problem.isVisible(), false);
  await ada.page.clock.runFor(200);
  await ada.problem.waitFor();
  await ada.log.getByText("Connection lost (heartbeat missed)").waitFor();
  chat.proxy.refuse(false);
  await ada.page.clock.resume();
  await ada.connected();
  await ada.say("after");
  await ada.hears("after");
});

test("whoever sees the tab again, and all is well, sees no change", async () => {
  const ada = await behind("ada");
  await stopClock(ada);
  const socket = ada.sockets[0]!;
  const pong = socket.waitForEvent("framereceived", {
    predicate: ({ payload }) => /^\["pong",/.test(String(payload)),
  });
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await pong;
  await ada.page.clock.runFor(20_000);
  await ada.connected();
  assert.equal(ada.sockets.length, 1);
});
