import type { Visitor } from "./visitors";

/** The session that a WebSocket of the page got, and how the WebSocket closed. */
export interface Connection {
  /** `recovered`, or the reason why not, or `new` if no resume was requested. */
  session?: string;
  code?: number;
  reason?: string;
}

/** A script for the page that records connections. Playwright does not see those of a restored page. */
export const recordConnections = `
  window.connections = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      const connection = {};
      connections.push(connection);
      this.addEventListener("message", ({ data }) => {
        const [name, payload] = JSON.parse(data);
        if (name === "$welcome") connection.session = payload.recovered ? "recovered" : payload.reason ?? "new";
      });
      this.addEventListener("close", ({ code, reason }) => Object.assign(connection, { code, reason }));
    }
  };`;

/** All connections of the page; needs `recordConnections` as its script. */
export const connections = ({ page }: Visitor): Promise<Connection[]> =>
  page.evaluate(() => (window as unknown as { connections: Connection[] }).connections);

/** The sessions of the page, one for each connection with a welcome. */
export const sessions = async (visitor: Visitor): Promise<string[]> =>
  (await connections(visitor)).flatMap(({ session }) => session ?? []);
