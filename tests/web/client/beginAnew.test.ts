import assert from "node:assert/strict";

import { dials } from "../support/connections";
import { openWithClock, pass, status } from "./ann";
import { fixture } from "./fixture";

const accounts = fixture();
const { test } = accounts;

for (const [cause, trigger] of [
  ["online", () => window.dispatchEvent(new Event("online"))],
  ["visibilitychange", () => document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))],
  ["pageshow", () => window.dispatchEvent(new Event("pageshow"))],
  ["emit", () => window.sockets.ann!.emit("note", { text: "a" })],
  // It is rejected when the socket gives up again.
  ["call", () => void window.sockets.ann!.call("whoAmI").catch(() => {})],
] as const)
  test(`after the socket gave up, ${cause} begins anew, at most once per wait`, async () => {
    const ann = await openWithClock(accounts, { maxReconnectAttempts: 2, reconnectInterval: 1_000, jitter: 0 });
    await accounts.server.kill();
    await pass(ann, 20_000);
    assert.equal(await status(ann), "closed");
    await ann.page.clock.runFor(60_000);
    assert.equal(await dials(ann), 3);

    await ann.page.evaluate(`for (let n = 0; n < 20; n++) (${trigger})()`);
    await pass(ann, 1);
    assert.equal(await dials(ann), 4);
    await pass(ann, 20_000);
    assert.equal(await status(ann), "closed");
    assert.equal(await dials(ann), 5);

    accounts.server = await accounts.server.restart();
    await ann.page.evaluate(trigger);
    await pass(ann, 10_000);
    await ann.page.waitForFunction(() => window.sockets.ann!.connected);
  });
