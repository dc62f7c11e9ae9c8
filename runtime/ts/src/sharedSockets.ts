import { identityOf, type ConnectionSettings } from "./connectionKey.js";
import type { Contract, Socket } from "./contract.js";
import type { Options } from "./options.js";
import { createSocket } from "./socket.js";
import { later, type Timer } from "./timer.js";

/** A counted reference to a shared socket. */
export interface SocketReference<C extends Contract> {
  readonly socket: Socket<C>;
  /** Replaces the functions among the settings. The rest of them has an equal key. */
  update(settings: ConnectionSettings): void;
  /** @param atOnce whether to close a socket without references now, and not one macrotask later */
  release(atOnce: boolean): void;
}

/** The latest settings of a reference. */
interface Reference {
  settings: ConnectionSettings;
}

interface SharedSocket {
  socket: Socket<Contract>;
  /** The newest first. The last one stays until the socket is closed. */
  references: Reference[];
  closing: Timer | undefined;
  /** Whether it is closed since it has no references. */
  released: boolean;
  /** Connects the socket if it is closed. */
  revive(): Promise<void>;
}

/** The close code after which only another token may be accepted. */
const invalidToken = 4501;

const sockets = new Map<string, SharedSocket>();

/** Creates the socket of a first reference. Its functions call those of a reference. */
const open = (first: Reference): SharedSocket => {
  const { target, options, identity } = first.settings;
  const references = [first];
  /**
   * The settings of the newest reference that still has the identity of the connection. A component whose
   * identity has changed will render again, and uses another connection then.
   */
  const current = (): ConnectionSettings =>
    (
      references.find(({ settings }) => identityOf(settings.options) === identity) ??
      (references[0] as Reference)
    ).settings;
  const functions: Record<string, (...args: unknown[]) => unknown> = {};
  for (const [name, value] of Object.entries(options))
    if (typeof value === "function" && name !== "WebSocket")
      functions[name] = (...args) => (current().options[name as keyof Options] as (typeof functions)[string])(...args);

  const readToken = async () => functions["auth"]?.();
  /** The token of the last attempt. */
  let usedToken: unknown;
  const socket = createSocket(
    typeof target === "string"
      ? target
      : () => {
          const { target } = current();
          return typeof target === "string" ? target : target();
        },
    {
      ...options,
      ...functions,
      ...(options.auth && { auth: async () => (usedToken = await readToken()) }),
      // References with equal identities may differ in whether it is a function.
      ...(identity !== undefined && { identity: () => identityOf(current().options) ?? null }),
    } as Options,
  );
  const shared: SharedSocket = {
    socket,
    references,
    closing: undefined,
    released: false,
    async revive() {
      const isClosed = () => socket.status === "closed" && !shared.released;
      const { code, cause } = socket.lastClose ?? {};
      if (isClosed() && cause === "rejected" && code === invalidToken) {
        // If this fails, the attempt does, too, and reports it.
        const token = await readToken().catch(() => undefined);
        if (token === usedToken) return;
      }
      if (isClosed()) socket.connect();
    },
  };
  return shared;
};

/**
 * Returns a reference to the socket with this key. Creates it if there is none, and connects it if it is
 * closed; after close code 4501 only if `auth` gives another token. The socket is closed one macrotask
 * after its last reference is released: StrictMode, navigation and a module reload release and acquire it
 * in one task.
 */
export function acquireSocket<C extends Contract>(
  key: string,
  settings: ConnectionSettings,
): SocketReference<C> {
  const reference: Reference = { settings };
  const known = sockets.get(key);
  const shared = known ?? open(reference);
  const { socket, references } = shared;
  sockets.set(key, shared);
  if (known) {
    if (shared.closing) references.length = 0;
    clearTimeout(shared.closing);
    shared.closing = undefined;
    references.unshift(reference);
    void shared.revive();
  }
  return {
    socket: socket as unknown as Socket<C>,
    update(settings) {
      reference.settings = settings;
    },
    release(atOnce) {
      if (references.length > 1) return void references.splice(references.indexOf(reference), 1);
      const close = () => {
        shared.released = true;
        sockets.delete(key);
        socket.close();
      };
      if (atOnce) close();
      else shared.closing = later(0, close);
    },
  };
}
