// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * A server in the memory of a test, and sockets that are connected with it. The sockets are those of the
 * client: only the WebSocket and the server behind it are replaced.
 *
 * @module
 */

import { connect, createClient, type Procedure } from "./client";
import type { Contract, Socket } from "./contract";
import { fakeServer } from "./fakeServer";
import type { FakeServer } from "./fakeServerTypes";
import type { Authentication, SocketSettings, Target } from "./options";
import { paths } from "./rules";

export { fakeRouter } from "./fakeRouter";
export { fakeServer } from "./fakeServer";
export type {
  Attempt,
  FakeSession,
  FakeServer,
  FakeServerOptions,
  Received,
  Refusal,
  Rejection,
} from "./fakeServerTypes";

/** The options of a fake socket that are those of any other socket. */
type FakeOptions = Omit<SocketSettings, "url" | "WebSocket" | "wakeOn"> & Authentication;

/** Settings of a fake socket: the client or a URL, and the options of the socket. */
export type FakeSocketOptions<C extends Contract> = FakeOptions &
  (
    | {
        /** A procedure of a client, such as `client.chat.wsChat`: gives the contract, the URL and the options. */
        client: Procedure<C>;
        /** As the option of sockets. */
        url?: SocketSettings["url"];
      }
    | {
        client?: undefined;
        /** Decides which rules the socket checks. Default: the path of the only procedure. */
        url?: Target | undefined;
      }
  );

/** A socket, and the server that it is connected with. */
export interface FakeSocket<C extends Contract> {
  readonly socket: Socket<C>;
  readonly server: FakeServer<C>;
  /** Resolves once the socket is connected; at once if it is. */
  readonly connected: Promise<void>;
}

/**
 * Creates a socket that connects with a {@link fakeServer} of its own.
 *
 * ```ts
 * const { socket, server } = fakeSocket<Chat>();
 * server.onCall("joinRoom", ({ room }) => ["ann"]);
 * await socket.call("joinRoom", { room: "general" });
 * ```
 */
export function fakeSocket<C extends Contract>(settings: FakeSocketOptions<C> = {}): FakeSocket<C> {
  const server = fakeServer<C>();
  const { client, url, ...given } = settings;
  const options = { ...given, ...server.options };
  const open = (): Socket<C> => {
    if (client) {
      // The same procedure at an absolute URL: `$ws` knows how options override those of a client.
      const procedure = createClient({ ...client.$options, baseUrl: absolute(client.$url) }) as Procedure<C>;
      return procedure.$ws({ ...options, url: url as SocketSettings["url"] });
    }
    const target = (url ?? onlyPath()) as Target;
    return connect(
      typeof target === "string" ? absolute(target) : async () => absolute(await target()),
      options,
    );
  };
  return {
    socket: open(),
    server,
    get connected() {
      return server.connected;
    },
  };
}

/** There may be no page for a relative URL. */
const absolute = (url: string): string => new URL(url, "ws://fake/").href;

/** The path of the only procedure; empty if no procedure has rules. */
const onlyPath = (): string => {
  const [path = "", ...others] = paths;
  if (others.length)
    throw new Error(
      `fakeSocket does not know whose rules to check (${paths.join(", ")}): ` +
        "set client, as in fakeSocket({ client: client.chat.wsChat })",
    );
  return path;
};
