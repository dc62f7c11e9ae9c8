import assert from "node:assert/strict";

import { dials } from "../support/connections";
import { notes, note, openWithClock, pass, printed } from "./ann";
import { fixture } from "./fixture";

const accounts = fixture();
const { test } = accounts;

test("after an outage of ten minutes the page connects by itself, and what was typed arrives", async () => {
  const ann = await openWithClock(accounts);
  await accounts.server.kill();
  await ann.logged("ann: disconnect 1006");
  await note(ann, "at once");
  await pass(ann, 60_000);
  // Chromium delays a dial after 15 that failed, up to 5 s of real time. From here on the client stops each
  // attempt after its timeout of 10 s.
  await ann.page.clock.runFor(240_000);
  await note(ann, "after five minutes");
  await ann.page.clock.runFor(300_000);
  await note(ann, "after ten minutes");
  assert.ok((await dials(ann)) > 20);
  accounts.server = await accounts.server.restart();
  // The longest wait.
  await pass(ann, 30_000);
  await ann.logged("ann: guest wrote after ten minutes");
  assert.deepEqual(await notes(ann), ["at once", "after five minutes", "after ten minutes"]);
  assert.match(printed(ann).join("\n"), /^warning: Parlor: .*$/);
});

test("a second outage is one warning more", async () => {
  const ann = await openWithClock(accounts);
  for (let outage = 1; outage <= 2; outage++) {
    await accounts.server.kill();
    await pass(ann, 60_000);
    accounts.server = await accounts.server.restart();
    await pass(ann, 30_000);
    await ann.page.waitForFunction(() => window.sockets.ann!.connected);
    assert.equal(printed(ann).length, outage, printed(ann).join("\n"));
  }
});
