import type { AppRouter, Options } from "./api";
import type { AccountPage, Fixture } from "./fixture";
import { stopClock } from "../support/visitors";

/** Connects a socket named `ann`. */
export async function connect({ page, logged }: AccountPage, options: Options = {}): Promise<void> {
  await page.evaluate((options) => {
    const client = window.api.createClient<AppRouter>({ baseUrl: "/api", ...options });
    window.watch("ann", client.account.$ws());
  }, options);
  await logged("ann: connect new");
}

/** Opens the page with a connected socket, and stops its clock. */
export async function openWithClock(accounts: Fixture, options: Options = {}): Promise<AccountPage> {
  const ann = await accounts.open("", { prepare: (page) => page.clock.install() });
  await connect(ann, options);
  await stopClock(ann);
  return ann;
}

export const note = ({ page }: AccountPage, text: string): Promise<boolean> =>
  page.evaluate((text) => window.sockets.ann!.emit("note", { text }), text);

export const status = ({ page }: AccountPage): Promise<string> =>
  page.evaluate(() => window.sockets.ann!.status);

/** The notes that the server sent. */
export const notes = async ({ log }: AccountPage): Promise<string[]> =>
  (await log()).flatMap((entry) => /^ann: guest wrote (.*)$/.exec(entry)?.[1] ?? []);

/** What the client printed. */
export const printed = ({ messages }: AccountPage): string[] =>
  messages.filter((message) => message.text().startsWith("Parlor")).map((message) => `${message.type()}: ${message.text()}`);

/** Lets this time pass in the page, in ms, and waits for the result of each attempt. */
export async function pass({ page }: AccountPage, time: number): Promise<void> {
  for (const step = 5_000; time > 0; time -= step) {
    await page.clock.runFor(Math.min(time, step));
    await page.waitForFunction(() =>
      window.connections.every(({ code, session }) => code !== undefined || session !== undefined),
    );
  }
}
