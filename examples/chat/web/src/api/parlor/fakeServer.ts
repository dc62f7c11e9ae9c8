// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { CallError } from "./callError";
import type { Contract, Unrecovered } from "./contract";
import {
  Refusal,
  type Attempt,
  type FakeSession,
  type FakeServer,
  type Received,
  type Rejection,
} from "./fakeServerTypes";
import { ServerSession } from "./fakeSession";
import { FakeWebSocket } from "./fakeWebSocket";

type Handler = (data: unknown, session: unknown) => unknown;

interface Entry {
  state: ServerSession;
  session: FakeSession<Contract>;
  attempt: Attempt;
}

/** Decodes base64url of UTF-8. */
const decode = (text: string): string => {
  const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return decodeURIComponent(bytes.replace(/[^]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`));
};

/** The text after the prefix of the subprotocol that has it. */
const offer = ({ protocols }: FakeWebSocket, prefix: string): string | undefined =>
  protocols.find((protocol) => protocol.startsWith(prefix))?.slice(prefix.length);

/** The payload of `$err` that a handler means; undefined if it threw another error. */
const errorReply = (cause: unknown): { code: string; message: string; details?: unknown } | undefined => {
  if (cause instanceof Refusal)
    return { code: "refused", message: "the call was refused", details: cause.error };
  if (!(cause instanceof CallError)) return undefined;
  const { code, message, details } = cause;
  return { code, message, details };
};

/**
 * Creates a server of the contract `C`, which serves all sockets that connect with its class or its
 * options. It uses no timers.
 *
 * ```ts
 * const server = fakeServer<Chat>();
 * const client = createClient<AppRouter>({ baseUrl: "/api", ...server.options });
 * ```
 */
export function fakeServer<C extends Contract>(): FakeServer<C> {
  const entries: Entry[] = [];
  const attempts: Attempt[] = [];
  const received: Received<Contract>[] = [];
  const taken = new Set<object>();
  const handlers = new Set<{ event: string; handler: Handler }>();
  const answers = new Map<string, Handler>();
  const rejections: Rejection[] = [];
  let onAttempt: Parameters<FakeServer<C>["onAttempt"]>[0] | undefined;
  const wakes = new Set<() => void>();
  /** Each resolves its promise if its condition holds, and returns whether it did. */
  const waiting = new Set<() => boolean>();
  let isCut = false;
  let secrets = 0;

  /** Resolves once `find` returns a value. */
  const until = <T>(find: () => T | undefined) =>
    new Promise<T>((resolve) => {
      const settle = () => {
        const found = find();
        if (found !== undefined) resolve(found);
        return found !== undefined;
      };
      if (!settle()) waiting.add(settle);
    });
  const changed = () => {
    for (const settle of waiting) if (settle()) waiting.delete(settle);
  };
  /** The sessions that have not ended. */
  const notEnded = () => entries.filter(({ state }) => !state.lost);
  const isConnected = () => entries.some(({ state }) => state.connected);

  const handle = async ({ state, session }: Entry, event: string, data: unknown, id: unknown) => {
    try {
      for (const added of [...handlers]) if (added.event === event) added.handler(data, session);
      const answer = answers.get(event);
      if (answer) {
        const value = await answer(data, session);
        if (value instanceof Refusal) throw value;
        if (id !== undefined) state.send("$ok", value, id);
      } else if (id !== undefined)
        throw new CallError("unknown", `the test has no server.onCall("${event}", ..)`);
    } catch (cause) {
      const expected = errorReply(cause);
      const reply = expected ?? { code: "panicked", message: String(cause) };
      if (id !== undefined) state.send("$err", reply, id);
      else if (reply.code !== "refused") state.send("$err", reply);
      if (reply.code === "panicked") state.close(1011, "a handler panicked");
      // As an unhandled rejection it fails the test.
      if (!expected) throw cause;
    }
  };

  const newEntry = (attempt: Attempt): Entry => {
    const own: Received<Contract>[] = [];
    const state = new ServerSession({
      received(event, data, id) {
        const entry = { event, data } as unknown as Received<Contract>;
        received.push(entry);
        own.push(entry);
        // A server never answers inside `send`.
        void Promise.resolve().then(() => handle(added, event, data, id));
        changed();
      },
      detached: changed,
    });
    const added: Entry = {
      state,
      attempt,
      session: {
        get attempt() {
          return added.attempt;
        },
        received: own,
        get connected() {
          return state.connected;
        },
        emit: (event: string, data: unknown = {}) => state.send(event, data),
        close: (code, reason = "") => state.close(code, reason),
      },
    };
    entries.push(added);
    return added;
  };

  const attach = (webSocket: FakeWebSocket, attempt: Attempt) => {
    const [secret = "", count = ""] = offer(webSocket, "parlor.resume.")?.split(".") ?? [];
    const known = entries.find(({ state }) => state.secret === secret);
    const newSecret = String(++secrets).padStart(22, "0");
    let reason: Unrecovered | undefined;
    if (secret) reason = known ? known.state.lost : "unknown";
    if (!reason && known && !known.state.canHaveSent(Number(count))) reason = "mismatch";
    if (known && !reason) {
      known.attempt = attempt;
      known.state.attach(webSocket, newSecret, Number(count));
    } else newEntry(attempt).state.attach(webSocket, newSecret, undefined, reason);
    changed();
  };

  const admit = async (webSocket: FakeWebSocket) => {
    // The handlers of a WebSocket are set after its constructor.
    await undefined;
    const bearer = offer(webSocket, "parlor.bearer.");
    const attempt = { url: webSocket.url, token: bearer && decode(bearer) };
    attempts.push(attempt);
    let rejection: Rejection | void = undefined;
    if (!isCut) {
      rejection = rejections.shift();
      if (!rejection && onAttempt) rejection = await onAttempt(attempt);
    }
    if (webSocket.readyState) return;
    if (isCut) return webSocket.end(1006, "");
    webSocket.open("parlor.v1.json");
    if (rejection) webSocket.end(rejection.code, rejection.reason ?? "");
    else attach(webSocket, attempt);
  };

  const WebSocket = class extends FakeWebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      void admit(this);
    }
  };
  const closeAll = (code: number, reason: string) => {
    for (const { state } of [...entries]) state.close(code, reason);
  };

  const server: FakeServer<Contract> = {
    WebSocket,
    options: {
      WebSocket,
      wakeOn(wake) {
        wakes.add(wake);
        return () => void wakes.delete(wake);
      },
    },
    get sessions() {
      return notEnded().map(({ session }) => session);
    },
    attempts,
    received,
    get connected() {
      return until(() => isConnected() || undefined).then(() => {});
    },
    get disconnected() {
      return until(() => !isConnected() || undefined).then(() => {});
    },
    async next(event: string) {
      const { data } = await until(() => {
        const found = (received as { event: string; data: unknown }[]).find(
          (entry) => entry.event === event && !taken.has(entry),
        );
        if (found) taken.add(found);
        return found;
      });
      return data as never;
    },
    on(event, handler) {
      const added = { event, handler: handler as Handler };
      handlers.add(added);
      return () => void handlers.delete(added);
    },
    onCall(event: string, handler: unknown) {
      answers.set(event, handler as Handler);
      return () => {
        if (answers.get(event) === handler) answers.delete(event);
      };
    },
    refuse: (error: unknown) => new Refusal(error) as never,
    emit(event: string, data: unknown = {}) {
      const all = notEnded();
      if (!all.length) throw new Error(`no session gets ${event}: await server.connected first`);
      for (const { state } of all) state.send(event, data);
    },
    confirm() {
      for (const { state } of entries) state.ack();
    },
    onAttempt(handler) {
      onAttempt = handler;
      return () => {
        if (onAttempt === handler) onAttempt = undefined;
      };
    },
    reject(code, reason = "", times = 1) {
      if (!(code >= 4000 && code <= 4999)) throw new RangeError(`close code ${code}: not 4000-4999`);
      for (let i = 0; i < times; i++) rejections.push({ code, reason });
    },
    cut({ silent = false } = {}) {
      isCut = true;
      if (!silent) return closeAll(1006, "");
      for (const { state } of entries) if (state.webSocket) state.webSocket.silent = true;
      changed();
    },
    restore({ reason, recovered = !reason } = {}) {
      isCut = false;
      // A silent cut is still unknown to the server.
      for (const { state } of [...entries]) if (!state.connected) state.close(1006, "");
      if (!recovered)
        for (const { state } of entries)
          if (!state.webSocket) state.lost ??= reason ?? "unknown";
      for (const wake of [...wakes]) wake();
    },
    close: (code, reason = "") => closeAll(code, reason),
  };
  return server as unknown as FakeServer<C>;
}
