import { after } from "node:test";

import { WebSocket } from "ws";

import { Server } from "../support/program";
import { createClient, type AppRouter, type Client } from "./api";

/** The text of all frames that were sent. */
export const sent: string[] = [];

class RecordingWebSocket extends WebSocket {
  override send(data: string): void {
    sent.push(data);
    super.send(data);
  }
}

interface Connection {
  server: Server;
  client: Client<AppRouter>;
  /** Resolves when server and client are set. */
  ready: Promise<void>;
}

/** The shapes server and a client, for the tests of one file. */
export function connection(): Connection {
  const start = async () => {
    const server = (connection.server = await Server.start("shapes"));
    connection.client = createClient<AppRouter>({
      baseUrl: `http://${server.address}/api`,
      WebSocket: RecordingWebSocket,
      callTimeout: 30_000,
    });
  };
  const connection = {} as Connection;
  connection.ready = start();
  after(() => connection.server?.kill());
  return connection;
}
