import assert from "node:assert/strict";

import { dials } from "../support/connections";
import { connect, note, notes } from "./ann";
import { fixture } from "./fixture";

// As users have it.
const accounts = fixture({ firefox: { firefoxUserPrefs: { "network.websocket.delay-failed-reconnects": true } } });
const { test } = accounts;

const attempts = Number(process.env.PARLOR_OUTAGE_ATTEMPTS ?? 3);

test(`after an outage of ${attempts} failed attempts in real time the page connects by itself, and what was typed arrives`, async (name) => {
  const ann = await accounts.open();
  await connect(ann);
  await accounts.server.kill();
  const started = Date.now();
  await ann.logged("ann: disconnect 1006");
  await note(ann, "typed at the start");
  await ann.page.waitForFunction(
    (count) => window.connections.filter(({ code }) => code !== undefined).length > count,
    attempts,
    { timeout: 0 },
  );
  await note(ann, "typed at the end");
  const failed = (await dials(ann)) - 1;
  accounts.server = await accounts.server.restart();
  const restarted = Date.now();
  await ann.page.waitForFunction(() => window.log.includes("ann: guest wrote typed at the end"), undefined, {
    timeout: 150_000,
  });
  const away = Math.round((restarted - started) / 1_000);
  const wait = Math.round((Date.now() - restarted) / 1_000);
  console.log(`${name}: ${away} s away, ${failed} attempts failed, connected ${wait} s after the restart`);
  assert.deepEqual(await notes(ann), ["typed at the start", "typed at the end"]);
});
