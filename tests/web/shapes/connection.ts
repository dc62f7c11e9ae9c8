import { after } from "node:test";

import { WebSocket } from "ws";

import { Server } from "../support/program";
import { createClient, type AppRouter, type Client } from "./api";

/** Frames that were sent, as text: what never gets here never reached the server. */
export const sent: string[] = [];

class Watched extends WebSocket {
  override send(data: string): void {
    sent.push(data);
    super.send(data);
  }
}

interface Connection {
  server: Server;
  client: Client<AppRouter>;
  /** The two above are there. */
  ready: Promise<void>;
}

/** The server of the shapes, and a client of it, for the tests of one file. */
export function connection(): Connection {
  const start = async () => {
    const server = (connection.server = await Server.start("shapes"));
    connection.client = createClient<AppRouter>({
      baseUrl: `http://${server.address}/api`,
      WebSocket: Watched,
      callTimeout: 30_000,
    });
  };
  const connection = {} as Connection;
  connection.ready = start();
  after(() => connection.server?.kill());
  return connection;
}
