import assert from "node:assert/strict";

import { sessions } from "../support/connections";
import { fixture } from "./fixture";

// Playwright disables this cache by default.
const chat = fixture({ chromium: { ignoreDefaultArgs: ["--disable-back-forward-cache"] } });

// Firefox does not keep a page with an open WebSocket.
chat.test("a page restored from the back/forward cache resumes its session and gets the messages in between", async () => {
  const ada = await chat.guest("ada", {
    script: `addEventListener("pageshow", ({ persisted }) => { window.persisted = persisted; });`,
    prepare: (page) =>
      page.route("**/elsewhere", (route) =>
        route.fulfill({ contentType: "text/html", body: "<title>Elsewhere</title><h1>Elsewhere</h1>" }),
      ),
  });
  const bob = await chat.guest("bob");
  await ada.waitForPerson("bob");
  await bob.waitForPerson("ada");
  await ada.send("before");
  await ada.waitForMessage("before");

  await ada.page.goto(`http://${chat.server.address}/elsewhere`);
  await ada.page.getByRole("heading", { name: "Elsewhere" }).waitFor();
  await bob.send("while Ada is away");
  await bob.waitForMessage("while Ada is away");

  await ada.page.evaluate(() => history.back());
  await ada.log.getByText("Connected again").waitFor();
  await ada.connected();
  assert.equal(await ada.page.evaluate(() => (window as { persisted?: boolean }).persisted), true);
  await bob.send("after Ada is back");
  await ada.waitForMessage("after Ada is back");
  await ada.send("from Ada");
  await bob.waitForMessage("from Ada");
  await ada.waitForMessage("from Ada");
  // A reloaded page would not have the first message.
  const all = ["before", "while Ada is away", "after Ada is back", "from Ada"];
  assert.deepEqual([await ada.messages(), await bob.messages()], [all, all]);
  assert.deepEqual(await ada.notices(), ["bob came in", "Connection lost (1006)", "Connected again"]);
  assert.deepEqual(await bob.notices(), []);
  assert.deepEqual(await sessions(ada), ["new", "recovered"]);
}, ["chromium"]);
