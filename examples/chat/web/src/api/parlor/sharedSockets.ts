// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { identityOf, type ConnectionSettings } from "./connectionKey";
import type { Contract, Socket } from "./contract";
import type { Options } from "./options";
import { createSocket } from "./socket";
import { later, type Timer } from "./timer";

/** A counted reference to a shared socket. */
export interface SocketReference<C extends Contract> {
  readonly socket: Socket<C>;
  /** Replaces the functions among the settings. The rest of them is equal. */
  update(settings: ConnectionSettings): void;
  /** @param next what the component connects with from now on */
  release(next: ConnectionSettings): void;
}

/** The latest settings of a reference. */
interface Reference {
  settings: ConnectionSettings;
}

interface SharedSocket {
  key: string | null;
  /** Has the identity of the references, unless it has changed since they were rendered. */
  owner: Pick<ConnectionSettings, "identity">;
  socket: Socket<Contract>;
  /** The newest first. The last one stays until the socket is closed. */
  references: Reference[];
  closing: Timer | undefined;
  /** Returns the settings that the socket uses. */
  current(): ConnectionSettings;
  /** Connects the socket if it is closed. */
  revive(): Promise<void>;
}

/** The close code after which only another token may be accepted. */
const invalidToken = 4501;

const sockets = new Set<SharedSocket>();

/** Creates the socket of a first reference. Its functions call those of a reference. */
const open = (first: Reference): SharedSocket => {
  const { key, target, options, identity } = first.settings;
  const references = [first];
  const owner = { identity };
  /**
   * The settings of the newest reference that still has the identity of the connection. A component whose
   * identity has changed will render again, and uses another connection then.
   */
  const current = (): ConnectionSettings =>
    (
      references.find(({ settings }) => identityOf(settings.options) === owner.identity) ??
      (references[0] as Reference)
    ).settings;
  const functions: Record<string, (...args: unknown[]) => unknown> = {};
  for (const [name, value] of Object.entries(options))
    if (typeof value === "function" && name !== "WebSocket")
      functions[name] = (...args) => (current().options[name as keyof Options] as (typeof functions)[string])(...args);

  const readToken = async () => functions["auth"]?.();
  /** The token of the last attempt. */
  let usedToken: unknown;
  const socket = createSocket<Contract>(
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
      // A value is that of the references, too: it changes when the last of them is released.
      ...(identity !== undefined && { identity: () => identityOf(current().options) ?? null }),
    } as Options,
  );
  const shared: SharedSocket = {
    key,
    owner,
    socket,
    references,
    closing: undefined,
    current,
    async revive() {
      const isClosed = () => socket.status === "closed" && sockets.has(shared);
      const { code, cause } = socket.lastClose ?? {};
      if (isClosed() && cause === "rejected" && code === invalidToken) {
        let timer: Timer | undefined;
        const isRefused = await Promise.race([
          // If this fails, the attempt does, too, and reports it.
          readToken().then((token) => token === usedToken, () => false),
          new Promise<boolean>((resolve) => {
            timer = later(options.connectTimeout ?? 10_000, () => resolve(false));
          }),
        ]);
        clearTimeout(timer);
        if (isRefused) return;
      }
      if (isClosed()) socket.connect();
    },
  };
  return shared;
};

/** Finds the socket of components with these settings. */
const find = ({ key, identity }: ConnectionSettings): SharedSocket | undefined => {
  const found = [...sockets].filter(
    (shared) => shared.key === key && identityOf(shared.current().options) === identity,
  );
  return found.find(({ closing }) => !closing) ?? found[0];
};

/** Opens a new session if the identity has changed. The socket reports what the last identity has not sent. */
const verifyIdentity = ({ socket }: SharedSocket) => {
  if (socket.status !== "closed") socket.connect();
};

/**
 * Returns a reference to the socket of components with these settings. Creates it if there is none, and
 * connects it if it is closed; after close code 4501 not if `auth` gives the same token within `connectTimeout`.
 * The socket is closed one macrotask after its last reference is released: StrictMode, navigation and a module
 * reload release and acquire it in one task.
 *
 * When the identity of all components changes, the socket opens a new session and remains if the identity is
 * a function. If it is a value, the socket is closed: what the last render emits later must not run as the next
 * user.
 */
export function acquireSocket<C extends Contract>(settings: ConnectionSettings): SocketReference<C> {
  const reference: Reference = { settings };
  const known = find(settings);
  const shared = known ?? open(reference);
  const { owner, socket, references } = shared;
  sockets.add(shared);
  if (known) {
    if (shared.closing) references.length = 0;
    clearTimeout(shared.closing);
    shared.closing = undefined;
    references.unshift(reference);
    if (owner.identity !== settings.identity) {
      owner.identity = settings.identity;
      verifyIdentity(shared);
    }
    void shared.revive();
  }
  const close = () => {
    sockets.delete(shared);
    socket.close();
  };
  return {
    socket: socket as unknown as Socket<C>,
    update(settings) {
      reference.settings = settings;
    },
    release(next) {
      if (references.length > 1) return void references.splice(references.indexOf(reference), 1);
      if (next.identity !== owner.identity) {
        const { identity } = next;
        const last = reference.settings;
        // Where the identity is a value, functions of the last render may still use this socket.
        const isSameSocket = next.key === shared.key && identityOf(last.options) === identity;
        reference.settings = isSameSocket
          ? next
          : { ...last, identity, options: { ...last.options, identity: identity ?? null } as Options };
        verifyIdentity(shared);
        // The other socket must not exist beside that of the last identity.
        if (!isSameSocket) return close();
      }
      shared.closing = later(0, close);
    },
  };
}
