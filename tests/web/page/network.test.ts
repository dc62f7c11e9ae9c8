import assert from "node:assert/strict";
import { test } from "node:test";

import { sessions, watched } from "../support/connections";
import { stopClock } from "../support/visitors";
import { fixture, type Guest } from "./fixture";

const chat = fixture();

/** Someone behind the proxy, with a clock of ours. */
const behind = (name: string): Promise<Guest> =>
  chat.guest(name, { port: chat.proxy.port, prepare: (page) => page.clock.install() });

test("after a cut all is heard once and in order, whatever was on its way", async () => {
  const ada = await chat.guest("ada", { port: chat.proxy.port, script: watched });
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  await bob.sees("ada");
  await ada.say("before");
  await bob.hears("before");
  await ada.hears("before");

  chat.proxy.swallow("answers");
  await ada.say("the server has it, and Ada does not know");
  await bob.hears("the server has it, and Ada does not know");
  await bob.say("lost on its way to Ada");
  await bob.hears("lost on its way to Ada");
  chat.proxy.swallow();
  await ada.say("lost on its way to the server");
  await ada.pending.getByText("Sending…").nth(1).waitFor();
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await ada.status.getByText("Reconnecting").waitFor();
  await bob.say("said meanwhile");
  await bob.hears("said meanwhile");
  await ada.say("typed meanwhile");
  await ada.pending.getByText("Waiting for the connection").waitFor();

  chat.proxy.refuse(false);
  await ada.connected();
  await bob.hears("typed meanwhile");
  await ada.hears("typed meanwhile");
  await ada.pending.waitFor({ state: "detached" });
  await bob.say("after");
  await ada.hears("after");
  const all = [
    "before",
    "the server has it, and Ada does not know",
    "lost on its way to Ada",
    "said meanwhile",
    "lost on its way to the server",
    "typed meanwhile",
    "after",
  ];
  assert.deepEqual([await ada.said(), await bob.said()], [all, all]);
  assert.deepEqual(await ada.notices(), ["bob came in", "Connection lost (1006)", "Connected again"]);
  assert.deepEqual(await bob.notices(), []);
  assert.deepEqual(await sessions(ada), ["new", "recovered"]);
});

test("a room that is left while the connection is cut is left", async () => {
  // With each new hash, Chromium asks for the icon again.
  const expected = /^Failed to load resource: net::ERR_/;
  const ada = await chat.guest("ada", { port: chat.proxy.port, expected });
  const bob = await chat.guest("bob");
  await ada.enter("tea");
  await ada.sees("ada");
  await bob.enter("tea");
  await bob.sees("ada");
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  for (const room of ["tea", "general"]) await ada.page.getByRole("button", { name: `Leave ${room}` }).click();
  await ada.enter("general");
  chat.proxy.refuse(false);
  await ada.connected();
  await bob.people.getByText("ada").waitFor({ state: "detached", timeout: 20_000 });
  assert.deepEqual(await bob.notices(), ["ada left"]);
  await bob.page.getByRole("link", { name: "general" }).click();
  await ada.sees("bob");
  assert.deepEqual(await bob.notices(), []);
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
