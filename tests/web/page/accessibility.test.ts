import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import type { Page } from "playwright-core";

import { fill } from "../support/fill";
import { fixture } from "./fixture";

const chat = fixture();
/** The rules do not depend on the browser, and playwright-core emulates no small screen in Firefox. */
const test = (title: string, run: () => Promise<void>) => chat.test(title, run, ["chromium"]);
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

/** The violations of accessibility rules that axe finds in the page now. */
const violations = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const { violations } = await (
      window as unknown as { axe: typeof import("axe-core") }
    ).axe.run(document);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });

const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds no violations in the ${colorScheme} scheme`, async () => {
    const bob = await chat.guest("bob");
    const ada = await chat.open({ colorScheme, script: axe, reducedMotion: "reduce" });
    const background = () => ada.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = /\((\d+), (\d+), (\d+)/.exec(await background())!.slice(1).every((part) => Number(part) < 128);
    assert.equal(dark, colorScheme === "dark");
    assert.deepEqual(await violations(ada.page), []);
    await ada.enterName("ada");
    await ada.waitForPerson("bob");
    await bob.send("Hello");
    await ada.waitForMessage("Hello");
    await ada.send("Hi");
    await ada.waitForMessage("Hi");
    assert.deepEqual(await violations(ada.page), []);
    await ada.send("x".repeat(1001));
    await ada.page.getByRole("alert").waitFor();
    assert.deepEqual(await violations(ada.page), []);
    await ada.page.getByRole("button", { name: "Change name, ada" }).click();
    await ada.page.getByRole("dialog", { name: "Change name" }).waitFor();
    assert.deepEqual(await violations(ada.page), []);
  });
}

test("axe finds no violations without a connection", async () => {
  const ada = await chat.guest("ada", { script: axe, reducedMotion: "reduce" });
  await chat.server.kill();
  try {
    await ada.problem.waitFor();
    await ada.send("still here");
    await ada.pending.waitFor();
    assert.deepEqual(await violations(ada.page), []);
  } finally {
    chat.server = await chat.server.restart();
  }
});

test("the page does not overflow a screen of 320 px", async () => {
  const bob = await chat.guest("bob");
  const ada = await chat.guest("ada", {
    viewport: { width: 320, height: 568 },
    hasTouch: true,
    isMobile: true,
  });
  await ada.send(`${"word".repeat(60)} https://example.com/${"path/".repeat(40)}`);
  await bob.send("short");
  await ada.waitForMessage("short");
  assert.equal(await overflow(ada.page), 0);

  await ada.page.getByRole("button", { name: /^Rooms/ }).click();
  const rooms = ada.page.getByRole("dialog", { name: "Rooms" });
  await fill(rooms.getByRole("textbox", { name: "Enter a room" }), "w".repeat(48));
  await rooms.getByRole("button", { name: "Enter", exact: true }).click();
  await ada.page.getByRole("heading", { name: "w".repeat(48), level: 2 }).waitFor();
  assert.equal(await overflow(ada.page), 0);
  await ada.page.getByRole("button", { name: /^People/ }).click();
  const people = ada.page.getByRole("dialog", { name: "People" });
  await people.getByText("ada").waitFor();
  assert.equal(await overflow(ada.page), 0);
  await people.getByRole("button", { name: "Close" }).click();
  await people.waitFor({ state: "detached" });

  await chat.server.kill();
  try {
    await ada.problem.waitFor();
    assert.equal(await overflow(ada.page), 0);
  } finally {
    chat.server = await chat.server.restart();
  }
});

test("the page can be used with the keyboard only", async () => {
  const bob = await chat.guest("bob");
  const ada = await chat.open();
  const { page } = ada;
  /** Presses Tab until the element with this name has the focus. */
  const tabTo = async (name: string) => {
    const seen: string[] = [];
    for (let presses = 0; presses < 30; presses++) {
      await page.keyboard.press("Tab");
      // Between the last and the first element, controls of the browser have the focus.
      if ((await page.locator(":focus").count()) === 0) continue;
      const focused = await page.locator(":focus").ariaSnapshot();
      if (focused.includes(`"${name}"`)) return;
      seen.push(focused);
    }
    assert.fail(`Tab does not lead to ${name} but to ${seen.join(", ")}`);
  };
  await page.getByRole("textbox", { name: "Your name" }).waitFor();
  await page.keyboard.type("ada");
  await page.keyboard.press("Enter");
  await ada.connected();
  await ada.waitForPerson("bob");
  // The composer has the focus.
  await page.keyboard.type("By hand");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("alone");
  await page.keyboard.press("Enter");
  await bob.log.locator(".text").getByText("By hand alone").waitFor();

  await tabTo("Enter a room");
  await page.keyboard.type("tea");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "tea", level: 2 }).waitFor();
  await page.getByRole("textbox", { name: "Message to tea" }).and(page.locator(":focus")).waitFor();
  await page.keyboard.type("Anyone?");
  await page.keyboard.press("Enter");
  await ada.waitForMessage("Anyone?");

  await tabTo("general");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "general", level: 2 }).waitFor();
  await page.keyboard.press("Alt+ArrowDown");
  await page.getByRole("heading", { name: "tea", level: 2 }).waitFor();
  await page.keyboard.press("Alt+ArrowUp");
  await page.getByRole("heading", { name: "general", level: 2 }).waitFor();
});
