// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * Typed, real-time WebSockets: the client of a Parlor server.
 *
 * @module
 */

import type { Contract, Socket } from "./contract";
import type { Options, Target } from "./options";
import { createSocket } from "./socket";

export { CallError } from "./callError";
export type { Close } from "./close";
export type {
  CallFailure,
  CallOptions,
  CallResult,
  Contract,
  EventData,
  EventName,
  Handler,
  Lifecycle,
  Off,
  Opened,
  OutgoingEvent,
  Socket,
  SocketError,
  Status,
  Unrecovered,
  Violation,
} from "./contract";
export type {
  Authentication,
  DebugFrame,
  Identity,
  Options,
  SocketSettings,
  Target,
  WebSocketConstructor,
  WebSocketLike,
} from "./options";
export type { ErrorCode } from "./errorCode";
export { events } from "./events";

/** A procedure of a {@link Client}. */
export interface Procedure<C extends Contract> {
  /** Connects to the procedure. These options override the client's. */
  $ws(options?: Options): Socket<C>;
  /** The URL that `$ws` connects to. */
  readonly $url: string;
  /** The client's options. */
  readonly $options: Options;
}

/** The procedures of the router `R`, by their paths. */
export type Client<R> = {
  readonly [K in keyof R]: R[K] extends Contract
    ? Exclude<keyof R[K], keyof Contract> extends never
      ? Procedure<R[K]>
      : Procedure<R[K]> & Client<Omit<R[K], keyof Contract>>
    : Client<R[K]>;
};

/** Settings of a client: the server's URL, and the options of all sockets. */
export type ClientOptions = Options & {
  /** `http(s)` or `ws(s)`, or relative to the page, as in `/api`. */
  baseUrl: string;
};

/**
 * Creates a client of the procedures of a server, by their paths. Only `$ws` connects.
 *
 * ```ts
 * const client = createClient<AppRouter>({ baseUrl: "http://localhost:3000/api" });
 * const socket = client.chat.wsChat.$ws();
 * ```
 */
export function createClient<R extends object>(options: ClientOptions): Client<R> {
  const { baseUrl, ...defaults } = options;
  const at = (url: string): object =>
    new Proxy(
      {
        // No prototype: a path may have the name of a member of `Object.prototype`.
        __proto__: null,
        $ws: (own?: Options) => connect(url, withDefaults(own, defaults)),
        $url: url,
        $options: defaults,
        [Symbol.toPrimitive]: () => `Parlor ${url}`,
      },
      {
        get: (procedure, name) =>
          typeof name === "symbol" || name in procedure
            ? procedure[name as keyof typeof procedure]
            : at(`${url}/${name}`),
      },
    );
  return at(baseUrl.replace(/\/+$/, "")) as Client<R>;
}

/** The options, and the defaults for those that are absent or undefined. */
const withDefaults = (own: Options | undefined, defaults: any): Options => {
  const options: any = { ...defaults, ...own };
  for (const name in defaults) if (options[name] === undefined) options[name] = defaults[name];
  return options;
};

/**
 * Connects to the procedure at `url`: `ws(s)`, `http(s)`, or relative to the page. Events that are
 * emitted before the connection is open are queued.
 *
 * @throws TypeError for a URL that no WebSocket can have
 *
 * ```ts
 * const socket = connect<Chat>("ws://localhost:3000/api/chat/wsChat");
 * socket.on("newMessage", ({ userId, text }) => console.log(`${userId}: ${text}`));
 * socket.emit("joinRoom", { room: "general" });
 * ```
 */
export const connect: <C extends Contract>(url: Target, options?: Options) => Socket<C> = createSocket;
