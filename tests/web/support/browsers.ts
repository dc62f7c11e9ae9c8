/**
 * Chromium and Firefox by one interface, that of playwright-core. It drives Debian's Firefox by WebDriver BiDi.
 * Firefox ESR 153 has no `emulation.setMediaFeaturesOverride`, which playwright-core sends from 1.65 on: hence
 * the exact version in `package.json`.
 */
import { existsSync } from "node:fs";
import { after, test } from "node:test";

import { chromium, firefox, type Browser, type LaunchOptions } from "playwright-core";

export type BrowserName = "chromium" | "firefox";

/** In the order in which a test runs in them. */
export const browserNames: readonly BrowserName[] = ["chromium", "firefox"];

/** The timeout of each step in a page, in ms. It is long because the machine may be busy. */
export const stepTimeout = 40_000;

const programs = {
  chromium: process.env.CHROMIUM ?? "/usr/bin/chromium",
  firefox: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
};

/**
 * After a WebSocket that failed, Firefox delays the next to the same host, from 200 ms up to 60 s. Pages with a
 * clock of the test would wait in real time.
 */
const withoutDialDelays = { "network.websocket.delay-failed-reconnects": false };

/** What the browsers report, as an error of the page or in the console, for each connection that fails. */
export const failedConnection = new RegExp(
  [
    "^WebSocket connection to 'wss?:.*' failed: ",
    "Firefox can’t establish a connection to the server at wss?:",
    "The connection to wss?:.* was interrupted while the page was loading",
  ].join("|"),
);

export function launch(name: BrowserName, options: LaunchOptions = {}): Promise<Browser> {
  const executablePath = programs[name];
  return name === "chromium"
    ? chromium.launch({ executablePath, ...options, args: ["--no-sandbox", ...(options.args ?? [])] })
    : firefox.launch({
        executablePath,
        channel: "moz-firefox",
        ...options,
        firefoxUserPrefs: { ...withoutDialDelays, ...options.firefoxUserPrefs },
      });
}

/** Options of a browser's start, by its name. */
export type LaunchOptionsOf = { [Name in BrowserName]?: LaunchOptions };

/** Registers a test in each of some browsers. `only` has the browsers that have what the test needs. */
export type BrowserTest = (
  title: string,
  run: (browser: Browser, name: BrowserName) => Promise<void>,
  only?: readonly BrowserName[],
) => void;

/**
 * Returns a function that registers a test once for each browser. The browsers of one file start with its first
 * test and stop after its last.
 */
export function browserTests(options: LaunchOptionsOf = {}): BrowserTest {
  const running = new Map<BrowserName, Promise<Browser>>();
  after(async () => {
    for (const browser of running.values()) await (await browser).close();
  });
  return (title, run, only = browserNames) => {
    for (const name of only) {
      const isMissing = !existsSync(programs[name]) && process.env.PARLOR_TEST_ALL !== "1";
      test(`${title} (${name})`, { skip: isMissing && `${programs[name]} is not installed` }, async () => {
        if (!running.has(name)) running.set(name, launch(name, options[name]));
        await run((await running.get(name)) as Browser, name);
      });
    }
  };
}
