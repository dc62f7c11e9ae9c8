// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { backoff, redial, resumes } from "./backoff";
import { byteLength } from "./bytes";
import { CallError } from "./callError";
import { createCalls } from "./calls";
import { check } from "./check";
import type {
  CallOptions,
  Contract,
  Opened,
  Options,
  OutgoingEvent,
  Socket,
  SocketError,
  Status,
  Target,
} from "./contract";
import { createHandlers } from "./handlers";
import { createIterator } from "./iteration";
import { dial, webSocketClass, type Frame, type Link } from "./link";
import { isOffline, watchPage } from "./page";
import { rules } from "./rules";
import { createSession, type Message } from "./session";
import { later, type Timer } from "./timer";
import { byPath, webSocketUrl, withoutQuery } from "./url";

/** How many bytes may wait, here and in the WebSocket, before more is refused. */
const maxWaiting = 1 << 20;

/**
 * Names that are no events of a server's: those of the wire, and those of `Lifecycle`, lest a
 * server pretend that something happened to the connection.
 */
const reserved = /^(\$|(p[io]ng|(dis|re)?connect|reconnect(ing|Failed)|error)$)/;

/** The names under which listeners of the status, and of all events, are kept: no server's. */
const statusChange = "$status";
const anyEvent = "$event";

/** Connects to `target`. Functions in `options` are read on each attempt and may be replaced. */
export function createSocket<C extends Contract>(target: Target, options: Options): Socket<C> {
  const {
    reconnect = true,
    maxReconnectInterval = 30_000,
    maxReconnectAttempts = 10,
    bufferSize = 256,
    callTimeout,
  } = options;
  const { begin, settle, rejectAll } = createCalls(callTimeout, (id) =>
    kept.some((message) => message.id === id),
  );
  const session = createSession();

  let status: Status = "closed";
  /** The attempt in flight or the connection: there is never more than one. */
  let link: Link | undefined;
  /** Runs until the next attempt. There is either this or a link, unless the socket is closed. */
  let waiting: Timer | undefined;
  let unwatch: (() => void) | undefined;
  /** What was not sent yet, for want of a connection or because too much is under way. */
  const kept: Message[] = [];
  let keptBytes = 0;
  /** How many of them may go out: all but in handlers of `connect`, whose own come first. */
  let due = Infinity;
  /** The attempts to connect again since a connection last lasted; and those that count. */
  let made = 0;
  let attempts = 0;
  /** When the connection was made; undefined before the first. */
  let since: number | undefined;
  /** Whether the server has ever spoken Parlor mode. */
  let welcomed = false;
  let plain = false;
  /** How many attempts were made when plain mode was last doubted: it is once in each. */
  let doubted = 0;
  let maxMessage = Infinity;
  let url = typeof target === "string" ? target : "";
  let reporting = false;

  const report = ({ code, message, details }: CallError, event?: string) => {
    const error = { code, message, event, details } as SocketError;
    let heard = false;
    // What goes wrong where errors are handled would come back there for ever.
    if (!reporting && !(code === "handler" && event === "error")) {
      reporting = true;
      heard = dispatch("error", error);
      reporting = false;
    }
    if (!heard) console.error("Parlor:", error);
  };
  const reportAll = (messages: Message[], code: string, text: string) => {
    for (const { id, event } of messages) if (!id) report(new CallError(code, text), event);
  };
  const { add, remove, dispatch } = createHandlers((event, cause) =>
    report(new CallError("handler", String(cause), cause), event),
  );
  const setStatus = (next: Status) => {
    if (status === next) return;
    status = next;
    dispatch(statusChange);
  };

  const start = () => {
    clearTimeout(waiting);
    waiting = undefined;
    const mine = dial(
      resolveUrl,
      options,
      session,
      !welcomed,
      (welcome) => {
        const again = since !== undefined;
        // A server that was down may have come up just before the dial without the subprotocol.
        if (!welcome && !again && doubted !== made) {
          doubted = made;
          mine.drop();
          return start();
        }
        since = Date.now();
        plain = !welcome;
        welcomed ||= !plain;
        maxMessage = welcome?.maxMessage || Infinity;
        const [reason, gone] = session.begin(welcome, mine.send);
        if (reason) rejectAll("disconnected", "connection lost");
        // Any of these handlers may close the socket.
        reportAll(gone, "lost", "not confirmed");
        due = 0;
        const opened: Opened = { recovered: !reason, ...(again && reason && { reason }) };
        if (link === mine) setStatus("connected");
        if (link === mine) dispatch("connect", opened);
        if (link === mine && again) dispatch("reconnect", opened);
        due = Infinity;
        flush();
      },
      received,
      lost,
    );
    link = mine;
  };

  const resolveUrl = async () => {
    url = typeof target === "string" ? target : await target();
    return webSocketUrl((await options.url?.(url)) ?? url);
  };

  const lost = (code: number, reason: string) => {
    link = undefined;
    const established = status === "connected";
    if (established) {
      // Else a server that welcomes and then closes would be dialled for ever.
      if (Date.now() - (since as number) >= maxReconnectInterval) made = attempts = 0;
    } else if (isOffline() && attempts) attempts--;

    const back = reconnect && redial(code) && webSocketClass(options);
    const delay = backoff(made, reason, options);
    const timer = (waiting =
      back && attempts < maxReconnectAttempts ? later(delay, start) : undefined);
    const resuming = timer && resumes(code) && session.offer();
    const gone = resuming ? [] : session.end();
    // Who gives up says below that the socket is closed.
    if (!resuming && (established || !resumes(code))) rejectAll("disconnected", "connection lost");
    // From here on handlers run, any of which may close the socket or connect it.
    if (timer) {
      made++;
      attempts++;
      setStatus("reconnecting");
    }
    const unsent = timer ? [] : end();
    reportAll(gone, "lost", "not confirmed");
    reportAll(unsent, "closed", "not sent");
    if (!established)
      report(new CallError("connect", `no connection to ${withoutQuery(url)}: ${code} ${reason}`));
    if (established || !redial(code))
      dispatch("disconnect", { code, reason, willReconnect: status !== "closed" });
    if (timer && waiting === timer) dispatch("reconnecting", { attempt: attempts, delay });
    if (back && !timer && status === "closed") dispatch("reconnectFailed", { attempts, code, reason });
  };

  /** The socket is closed: nothing waits any more. Returns what did. */
  const end = () => {
    unwatch?.();
    clearTimeout(waiting);
    waiting = undefined;
    const unsent = kept.splice(0);
    keptBytes = 0;
    session.end();
    rejectAll("closed", "the socket is closed");
    setStatus("closed");
    dispatch(anyEvent);
    return unsent;
  };

  const received = (parts: Frame | undefined) => {
    if (!parts) return report(new CallError("undecodable", "not [name, payload]"));
    const [name, payload, id] = parts;
    if (name === "$ok") settle(id, undefined, payload);
    else if (name === "$err") {
      const { code = "", message, details } = Object(payload);
      const refused = new CallError(code, message, details);
      if (id === undefined) report(refused);
      else settle(id, refused);
    } else if (name === "$ack") flush();
    else if (!reserved.test(name)) {
      dispatch(name, payload);
      dispatch(anyEvent, { event: name, data: payload });
    }
  };

  /** How many bytes wait in the WebSocket; undefined while nothing can be sent. */
  const buffered = () => (status === "connected" ? link?.waiting() : undefined);

  /** Sends what is kept, as far as it may go. */
  const flush = () => {
    while (due && kept.length && buffered() !== undefined) {
      const message = kept[0] as Message;
      const refused = refusal(message);
      if (!refused && !session.take(message)) return;
      due--;
      keptBytes -= message.bytes;
      kept.shift();
      if (!refused) link?.send(message.text);
      else if (message.id) settle(message.id, refused);
      else report(refused, message.event);
    }
  };

  /** Why the server cannot take the message. */
  const refusal = ({ id, bytes }: Message): CallError | undefined => {
    if (plain && id) return new CallError("plain", "no answers in plain mode");
    if (bytes > maxMessage)
      return new CallError("tooLarge", `more than ${maxMessage} bytes`);
    return undefined;
  };

  /** Sends or keeps an event or, with an id, a call; or says why not. */
  const post = (event: string, payload: unknown = {}, id = 0): CallError | undefined => {
    if (status === "closed") return new CallError("closed", "the socket is closed");
    let text: string;
    try {
      text = JSON.stringify(id ? [event, payload, id] : [event, payload]);
    } catch (cause) {
      return new CallError("invalid", String(cause));
    }
    const own = byPath(rules, url)?.[event];
    // The rules see what the server will see: dates are strings, undefined fields are absent.
    const violation = own && check(own, JSON.parse(text)[1]);
    if (violation)
      return new CallError("invalid", `${violation.path} ${violation.message}`, violation);
    const message = { event, text, bytes: byteLength(text), id };
    const refused = refusal(message);
    if (refused) return refused;
    const bytes = buffered();
    if (
      bytes === undefined
        ? kept.length >= bufferSize
        : // What handlers of `connect` send does not wait for what was kept.
          bytes + (due < Infinity ? 0 : keptBytes) > maxWaiting
    )
      return new CallError("full", "too much waits");
    kept.splice(due++, 0, message);
    keptBytes += message.bytes;
    flush();
    return undefined;
  };

  const connect = () => {
    if (link) return;
    if (status === "closed") {
      made = attempts = 0;
      unwatch = watchPage(
        (back, restored) => {
          link?.doubt(restored);
          if (back && waiting) start();
        },
        () => link?.drop(1000),
      );
      status = "connecting";
    }
    start();
    dispatch(statusChange);
  };
  connect();

  return {
    get status() {
      return status;
    },
    get connected() {
      return status === "connected";
    },
    on: add,
    once: (event, handler) => add(event, handler, true),
    off: remove,
    emit(event, ...[payload]) {
      const refused = post(event, payload);
      if (refused) report(refused, event);
      return !refused;
    },
    call: (event: string, payload?: unknown, options: CallOptions = {}) =>
      begin(
        options,
        (id) => post(event, payload, id),
        (id) => {
          const at = kept.findIndex((message) => message.id === id);
          if (at >= 0) keptBytes -= (kept.splice(at, 1) as [Message])[0].bytes;
        },
      ) as Promise<never>,
    close(code = 1000, reason = "") {
      if (code !== 1000 && (code < 3000 || code > 4999))
        throw new RangeError(`close code ${code}`);
      if (status === "closed") return;
      const established = status === "connected";
      link?.drop(code, reason);
      link = undefined;
      end();
      if (established) dispatch("disconnect", { code, reason, willReconnect: false });
    },
    connect,
    subscribe: (listener) => add(statusChange, listener),
    [Symbol.asyncIterator]: () =>
      createIterator<OutgoingEvent<C>>(
        (push) => add(anyEvent, push),
        status === "closed",
      ),
  };
}
