import assert from "node:assert/strict";

import { dials, sessions } from "../support/connections";
import { fixture } from "./fixture";
import type { AppRouter } from "./api";

const accounts = fixture();
const { test } = accounts;

test("after pageshow from the back/forward cache the session is resumed over a new connection", async () => {
  const ann = await accounts.open();
  await ann.page.evaluate(() => {
    window.watch("ann", window.api.createClient<AppRouter>({ baseUrl: "/api" }).account.$ws());
  });
  await ann.logged("ann: connect new");
  // Neither browser restores a page when a test asks for it: these are the events of one that was.
  await ann.page.evaluate(() => {
    window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });
  await ann.logged("ann: connect recovered");
  assert.equal(await dials(ann), 2);
  assert.deepEqual(await sessions(ann), ["new", "recovered"]);
});
