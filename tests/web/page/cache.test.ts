import assert from "node:assert/strict";
import { test } from "node:test";

import { sessions, watched } from "../support/connections";
import { launch } from "../support/visitors";
import { fixture } from "./fixture";

// Playwright turns the cache off, and such a test would pass without testing.
const chat = fixture(() => launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] }));

test("a page from the back/forward cache returns to its session, and hears what was said meanwhile", async () => {
  const ada = await chat.guest("ada", {
    script: `${watched}
      addEventListener("pageshow", ({ persisted }) => { window.persisted = persisted; });`,
    prepare: (page) =>
      page.route("**/elsewhere", (route) =>
        route.fulfill({ contentType: "text/html", body: "<title>Elsewhere</title><h1>Elsewhere</h1>" }),
      ),
  });
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  await bob.sees("ada");
  await ada.say("before");
  await ada.hears("before");

  await ada.page.goto(`http://${chat.server.address}/elsewhere`);
  await ada.page.getByRole("heading", { name: "Elsewhere" }).waitFor();
  await bob.say("She is gone");
  await bob.hears("She is gone");

  await ada.page.evaluate(() => history.back());
  await ada.log.getByText("Connected again").waitFor();
  await ada.connected();
  assert.equal(await ada.page.evaluate(() => (window as { persisted?: boolean }).persisted), true);
  await bob.say("She is back");
  await ada.hears("She is back");
  await ada.say("I am");
  await bob.hears("I am");
  await ada.hears("I am");
  // A page that was loaded anew would not know what was before.
  const all = ["before", "She is gone", "She is back", "I am"];
  assert.deepEqual([await ada.said(), await bob.said()], [all, all]);
  assert.deepEqual(await ada.notices(), ["bob came in", "Connection lost (1006)", "Connected again"]);
  assert.deepEqual(await bob.notices(), []);
  assert.deepEqual(await sessions(ada), ["new", "recovered"]);
});
