import { after, test } from "node:test";

import type { Browser, LaunchOptions } from "playwright-core";

import { browserNames, isInstalled, open, programs, type BrowserName } from "./browsers";

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
      const isMissing = !isInstalled(name) && process.env.PARLOR_TEST_ALL !== "1";
      test(`${title} (${name})`, { skip: isMissing && `${programs[name]} is not installed` }, async () => {
        if (!running.has(name)) running.set(name, open(name, options[name]));
        await run((await running.get(name)) as Browser, name);
      });
    }
  };
}
