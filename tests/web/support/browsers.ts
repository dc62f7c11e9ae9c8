/**
 * Chromium and Firefox by one interface, that of playwright-core. It drives Debian's Firefox by WebDriver BiDi.
 * Firefox ESR 153 has no `emulation.setMediaFeaturesOverride`, which playwright-core sends from 1.65 on: hence
 * the exact version in `package.json`.
 */
import { existsSync } from "node:fs";

import { chromium, firefox, type Browser, type LaunchOptions } from "playwright-core";

export type BrowserName = "chromium" | "firefox";

/** In the order in which a test runs in them. */
export const browserNames: readonly BrowserName[] = ["chromium", "firefox"];

/** The timeout of each step in a page, in ms. It is long because the machine may be busy. */
export const stepTimeout = 40_000;

export const programs = {
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

const launchOptions = (name: BrowserName, options: LaunchOptions = {}): LaunchOptions =>
  name === "chromium"
    ? { executablePath: programs.chromium, ...options, args: ["--no-sandbox", ...(options.args ?? [])] }
    : {
        executablePath: programs.firefox,
        channel: "moz-firefox",
        ...options,
        firefoxUserPrefs: { ...withoutDialDelays, ...options.firefoxUserPrefs },
      };

export const launch = (name: BrowserName, options?: LaunchOptions): Promise<Browser> =>
  (name === "chromium" ? chromium : firefox).launch(launchOptions(name, options));

export const isInstalled = (name: BrowserName): boolean => existsSync(programs[name]);

/** The variable of the environment with the address of the Firefox that {@link serveFirefox} has started. */
const sharedFirefox = "PARLOR_FIREFOX";

/** Starts a Firefox for all test files, which takes seconds. Returns the environment for them, and how to stop it. */
export async function serveFirefox(): Promise<{ env: Record<string, string>; stop: () => Promise<void> }> {
  if (!isInstalled("firefox")) return { env: {}, stop: async () => {} };
  const server = await firefox.launchServer(launchOptions("firefox"));
  return { env: { [sharedFirefox]: server.wsEndpoint() }, stop: () => server.close() };
}

/** Launches a browser, or connects to the shared one if there are no options. */
export function open(name: BrowserName, options?: LaunchOptions): Promise<Browser> {
  const address = process.env[sharedFirefox];
  return name === "firefox" && address && !options ? firefox.connect(address) : launch(name, options);
}
