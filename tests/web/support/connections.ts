import type { Page } from "playwright-core";

/** A WebSocket of the page: one attempt to connect, and the connection that it became. */
export interface Connection {
  /** The session that it got: `recovered`, or the reason why not, or `new` if no resume was requested. */
  session?: string;
  /** The frames, in order. */
  sent: string[];
  received: string[];
  /** How it closed; undefined before. */
  code?: number;
  reason?: string;
}

declare global {
  interface Window {
    /** In the order of the dials. */
    connections: Connection[];
  }
}

/**
 * A script for the page that records its connections. Playwright reports them neither in Firefox nor for a page
 * that Chromium has restored.
 */
export const recordConnections = `
  window.connections = [];
  window.WebSocket = class extends WebSocket {
    #connection = { sent: [], received: [] };
    constructor(...given) {
      super(...given);
      const connection = this.#connection;
      connections.push(connection);
      this.addEventListener("message", ({ data }) => {
        connection.received.push(data);
        // Vite's own connection has objects.
        const [name, payload] = data.startsWith("[") ? JSON.parse(data) : [];
        if (name === "$welcome") connection.session = payload.recovered ? "recovered" : payload.reason ?? "new";
      });
      this.addEventListener("close", ({ code, reason }) => Object.assign(connection, { code, reason }));
    }
    send(data) {
      this.#connection.sent.push(data);
      super.send(data);
    }
  };`;

/** A page with the script {@link recordConnections}. */
interface Recorded {
  readonly page: Page;
}

/** All connections of the page. */
export const connections = ({ page }: Recorded): Promise<Connection[]> =>
  page.evaluate(() => window.connections);

/** The number of connections of the page, with those that failed. */
export const dials = ({ page }: Recorded): Promise<number> => page.evaluate(() => window.connections.length);

/** Waits until each connection of the page is closed. */
export const allClosed = async ({ page }: Recorded): Promise<void> => {
  await page.waitForFunction(() => window.connections.every(({ code }) => code !== undefined));
};

/** Waits until the first connection has received this number of frames with this start. */
export const received = async ({ page }: Recorded, start: string, count: number): Promise<void> => {
  await page.waitForFunction(
    ([start, count]) =>
      window.connections[0]!.received.filter((frame) => frame.startsWith(start)).length >= count,
    [start, count] as const,
  );
};

/** The sessions of the page, one for each connection with a welcome. */
export const sessions = async (page: Recorded): Promise<string[]> =>
  (await connections(page)).flatMap(({ session }) => session ?? []);
