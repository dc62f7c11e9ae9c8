import assert from "node:assert/strict";

import { allClosed, dials, received, sessions } from "../support/connections";
import { stopClock } from "../support/visitors";
import { fixture, type Guest } from "./fixture";

const chat = fixture();
const { test } = chat;

/** Opens the page through the proxy, with a clock that the test controls. */
const openBehindProxy = (name: string): Promise<Guest> =>
  chat.guest(name, { port: chat.proxy.port, prepare: (page) => page.clock.install() });

test("after a cut every message arrives once and in order", async () => {
  const ada = await chat.guest("ada", { port: chat.proxy.port });
  const bob = await chat.guest("bob");
  await ada.waitForPerson("bob");
  await bob.waitForPerson("ada");
  await ada.send("before");
  await bob.waitForMessage("before");
  await ada.waitForMessage("before");

  chat.proxy.discard("answers");
  await ada.send("the server has it, and Ada does not know");
  await bob.waitForMessage("the server has it, and Ada does not know");
  await bob.send("lost on its way to Ada");
  await bob.waitForMessage("lost on its way to Ada");
  chat.proxy.discard();
  await ada.send("lost on its way to the server");
  await ada.pending.getByText("Sending…").nth(1).waitFor();
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await ada.status.getByText("Reconnecting").waitFor();
  await bob.send("sent meanwhile");
  await bob.waitForMessage("sent meanwhile");
  await ada.send("typed meanwhile");
  await ada.pending.getByText("Waiting for the connection").waitFor();

  chat.proxy.refuse(false);
  await ada.connected();
  await bob.waitForMessage("typed meanwhile");
  await ada.waitForMessage("typed meanwhile");
  await ada.pending.waitFor({ state: "detached" });
  await bob.send("after");
  await ada.waitForMessage("after");
  const all = [
    "before",
    "the server has it, and Ada does not know",
    "lost on its way to Ada",
    "sent meanwhile",
    "lost on its way to the server",
    "typed meanwhile",
    "after",
  ];
  assert.deepEqual([await ada.messages(), await bob.messages()], [all, all]);
  assert.deepEqual(await ada.notices(), ["bob came in", "Connection lost (1006)", "Connected again"]);
  assert.deepEqual(await bob.notices(), []);
  assert.deepEqual(await sessions(ada), ["new", "recovered"]);
});

test("a room that is left without a connection is left after the reconnect", async () => {
  // Chromium requests the icon again for each new hash.
  const expected = /^Failed to load resource: net::ERR_/;
  const ada = await chat.guest("ada", { port: chat.proxy.port, expected });
  const bob = await chat.guest("bob");
  await ada.enter("tea");
  await ada.waitForPerson("ada");
  await bob.enter("tea");
  await bob.waitForPerson("ada");
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
  await ada.waitForPerson("bob");
  assert.deepEqual(await bob.notices(), []);
});

test("when the browser is online again the page dials at once", async () => {
  const ada = await openBehindProxy("ada");
  await ada.page.context().setOffline(true);
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await stopClock(ada);
  // A running attempt fails, too.
  await allClosed(ada);
  await ada.problem.getByText(/Attempt \d+/).waitFor();
  const dialled = await dials(ada);
  chat.proxy.refuse(false);
  assert.equal(await dials(ada), dialled);

  // Its timer is stopped: only `online` can cause a dial.
  await ada.page.context().setOffline(false);
  await ada.connected();
  await ada.send("back");
  await ada.waitForMessage("back");
  assert.equal(await dials(ada), dialled + 1);
});

test("attempts made while offline do not count", async () => {
  const ada = await openBehindProxy("ada");
  await ada.page.context().setOffline(true);
  chat.proxy.refuse();
  chat.proxy.cut();
  await ada.problem.waitFor();
  await stopClock(ada);
  // More than maxReconnectAttempts.
  for (let n = 0; n < 15; n++) {
    const dialled = await dials(ada);
    while ((await dials(ada)) === dialled) {
      await ada.problem.getByText(/Attempt \d+/).waitFor();
      await ada.page.clock.runFor(1_000);
    }
    await allClosed(ada);
  }
  await ada.status.getByText("Reconnecting").waitFor();
  chat.proxy.refuse(false);
  await ada.page.context().setOffline(false);
  await ada.connected();
});

test("a page that becomes visible detects a silent server within 5 s", async () => {
  const ada = await openBehindProxy("ada");
  await ada.send("before");
  await ada.waitForMessage("before");
  chat.proxy.discard();
  chat.proxy.refuse();
  await stopClock(ada);
  // A test cannot suspend a tab. This is the event after a suspension.
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  await ada.page.clock.runFor(4_900);
  assert.equal(await ada.problem.isVisible(), false);
  await ada.page.clock.runFor(200);
  await ada.problem.waitFor();
  await ada.log.getByText("Connection lost (heartbeat missed)").waitFor();
  chat.proxy.refuse(false);
  await ada.page.clock.resume();
  await ada.connected();
  await ada.send("after");
  await ada.waitForMessage("after");
});

test("a page that becomes visible keeps a working connection", async () => {
  const ada = await openBehindProxy("ada");
  await stopClock(ada);
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  await received(ada, '["pong",', 1);
  await ada.page.clock.runFor(20_000);
  await ada.connected();
  assert.equal(await dials(ada), 1);
});
