import type { Visitor } from "./visitors";

/** What a page's WebSocket has heard of its session, and how it ended. */
export interface Connection {
  /** `recovered`, or why it is not, or `new` if that was not asked for. */
  session?: string;
  code?: number;
  reason?: string;
}

/** Runs in the page: from outside, what it dials while the browser brings it back is not seen. */
export const watched = `
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

/** All that the page has dialled; needs `watched` as its script. */
export const connections = ({ page }: Visitor): Promise<Connection[]> =>
  page.evaluate(() => (window as unknown as { connections: Connection[] }).connections);

/** What servers have said of the page's sessions, one for each connection that was made. */
export const sessions = async (visitor: Visitor): Promise<string[]> =>
  (await connections(visitor)).flatMap(({ session }) => session ?? []);
