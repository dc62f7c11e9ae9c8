import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "../support/visitors";
import { fixture } from "./fixture";

// Playwright turns the cache off, and such a test would pass without testing.
const chat = fixture(() => launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] }));

test("a page from the back/forward cache knows that its connection is gone", async () => {
  const ada = await chat.guest("ada", {
    script: `
      addEventListener("pageshow", ({ persisted }) => { window.persisted = persisted; });
      window.dialled = 0;
      window.WebSocket = class extends WebSocket {
        constructor(...given) {
          super(...given);
          window.dialled++;
        }
      };`,
    prepare: (page) =>
      page.route("**/elsewhere", (route) =>
        route.fulfill({ contentType: "text/html", body: "<title>Elsewhere</title><h1>Elsewhere</h1>" }),
      ),
  });
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  await ada.say("before");
  await ada.hears("before");

  await ada.page.goto(`http://${chat.server.address}/elsewhere`);
  await ada.page.getByRole("heading", { name: "Elsewhere" }).waitFor();
  await bob.say("She is gone");
  await bob.hears("She is gone");

  await ada.page.evaluate(() => history.back());
  await ada.log.getByText("Connected again", { exact: true }).waitFor();
  await ada.connected();
  await ada.hears("She is gone");
  assert.equal(await ada.page.evaluate(() => (window as { persisted?: boolean }).persisted), true);
  // A page that was loaded anew would not know this any more.
  await ada.hears("before");
  await bob.say("She is back");
  await ada.hears("She is back");
  await ada.say("I am");
  await bob.hears("I am");
  // Counted in the page: from outside, what it dials while it comes back is not seen.
  assert.equal(await ada.page.evaluate(() => (window as { dialled?: number }).dialled), 2);
});
