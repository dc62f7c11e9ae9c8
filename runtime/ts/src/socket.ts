import { backoff, redial, resumes } from "./backoff.js";
import { byteLength } from "./bytes.js";
import { CallError } from "./callError.js";
import { startCall, type EndCall } from "./calls.js";
import type { Close } from "./close.js";
import { dial, type Connection } from "./connection.js";
import type {
  CallOptions,
  CallResult,
  Contract,
  Opened,
  Socket,
  SocketError,
  SocketMembers,
  Status,
} from "./contract.js";
import { disposable } from "./disposable.js";
import { createHandlers } from "./handlers.js";
import type { Message } from "./message.js";
import { checkOptions } from "./checkOptions.js";
import { readIdentity } from "./identity.js";
import { checkNumbers } from "./numbers.js";
import type { Options, Target } from "./options.js";
import { watchPage } from "./pageEvents.js";
import { checkRules } from "./rules.js";
import { createSession, type Frame } from "./session.js";
import { warnOfSubject } from "./subject.js";
import { later, type Timer } from "./timer.js";
import { webSocketUrl, withoutSecrets } from "./url.js";

/** The limit of bytes in the queue and in the WebSocket's buffer. */
const maxBufferedBytes = 1 << 20;

/**
 * Names that events of a server cannot have: those of the wire, and those of `Lifecycle`, so that
 * no event of a server is taken for a lifecycle event.
 */
const reserved = /^(\$|(p[io]ng|(dis|re)?connect|reconnect(ing|Failed)|error)$)/;

/** The reserved names for handlers of changes of the status and the identity, and of all events of the server. */
const statusChange = "$status";
const identityChange = "$identity";
const anyEvent = "$event";

/** Bundlers replace its uses. */
declare const process: { env: { NODE_ENV?: string } };

/** Connects to `target`. Functions in `options` are read on each attempt and may be replaced. */
export function createSocket<C extends Contract>(target: Target, options: Options = {}): Socket<C> {
  const {
    reconnect = true,
    maxReconnectInterval = 30_000,
    maxReconnectAttempts = Infinity,
    bufferSize = 256,
    callTimeout = 10_000,
  } = options;
  const session = createSession();
  /** The calls that were sent and have no answer yet, by id. */
  const calls = new Map<unknown, EndCall>();
  let lastId = 0;

  let status: Status = "closed";
  let lastClose: Close | undefined;
  /** The attempt to connect, or the connection. */
  let connection: Connection | undefined;
  /** The timer of the next attempt. Unless the socket is closed, it runs or there is a connection. */
  let retryTimer: Timer | undefined;
  /** When an event of the page may start an attempt, after the socket gave up. */
  let mayStartAt = 0;
  let unwatch: (() => void) | undefined;
  /** The frames that are not sent yet: there is no connection, or a limit is reached. */
  const queue: Frame[] = [];
  let queuedBytes = 0;
  /** How many of them may be sent. Finite only in handlers of `connect`, whose frames are sent first. */
  let sendable = Infinity;
  /** The attempts since a connection lasted, or since the socket began anew. */
  let attempts = 0;
  /** The time of the last `connect`. */
  let connectedAt: number | undefined;
  let maxMessage = Infinity;
  let url = "";
  let reporting = false;
  /** Whether an attempt has failed since the last connection. */
  let warned = false;

  /** The owner of the session, the queue and the calls. */
  let identity = readIdentity(options);

  const report = ({ code, message, details, close }: CallError, event?: string) => {
    const error = { code, message, event, details, close } as SocketError;
    const ofAttempt = code === "connect";
    let handled = false;
    // An error of an `error` handler would be reported to it without end.
    if (!reporting && !(code === "handler" && event === "error")) {
      reporting = true;
      handled = dispatch("error", error);
      reporting = false;
    }
    if (handled || (ofAttempt && warned)) return;
    warned ||= ofAttempt;
    console[ofAttempt ? "warn" : "error"]("Parlor:", error);
  };
  const { on, off, dispatch } = createHandlers((event, cause) =>
    report(new CallError("handler", String(cause), cause), event),
  );
  /** Also called when only `lastClose` has changed. */
  const setStatus = (next: Status) => {
    status = next;
    dispatch(statusChange);
  };

  const start = () => {
    clearTimeout(retryTimer);
    /** Whether it is neither closed nor that of another identity. */
    const isCurrent = () => {
      verifyIdentity();
      return connection === started;
    };
    const started = dial(
      async () => {
        if (typeof target === "function") url = await target();
        const rewritten = (await options.url?.(url)) ?? url;
        // The token may be that of another identity than the attempt.
        verifyIdentity();
        const token = await options.auth?.();
        verifyIdentity();
        try {
          if (process.env.NODE_ENV !== "production" && token) warnOfSubject(options, identity, token);
        } catch {
          // There is no `process`: a browser, without a bundler.
        }
        return [rewritten, token];
      },
      options,
      session,
      (welcome) => {
        if (!isCurrent()) return;
        const again = connectedAt !== undefined;
        connectedAt = Date.now();
        warned = false;
        maxMessage = welcome.maxMessage || Infinity;
        const [reason, lostFrames] = session.attach(welcome, started.send);
        // Each of these handlers may close the socket.
        if (reason === "identity") drop([...lostFrames, ...takeQueue()], "identity");
        else if (reason) drop(lostFrames, "lost", "disconnected");
        sendable = 0;
        const opened: Opened = { recovered: !reason, ...(again && reason && { reason }) };
        if (isCurrent()) setStatus("connected");
        if (isCurrent()) dispatch("connect", opened);
        if (isCurrent() && again) dispatch("reconnect", opened);
        sendable = Infinity;
        flush();
      },
      (message) => {
        if (isCurrent()) received(message);
      },
      ended,
    );
    connection = started;
  };

  /** The error of an event or call that fails because of how the connection ended. */
  const endError = (code: string) =>
    new CallError(code, `${code}, last close: ${JSON.stringify(lastClose)}`, undefined, lastClose);
  /** Rejects the call of the frame, or reports its event. */
  const fail = ({ event, end }: Frame, error: CallError) => {
    if (end) end(error);
    else report(error, event);
  };
  /** Fails the frames, and all calls that were sent. The events that `close()` drops are not reported. */
  const drop = (frames: Frame[], code: string, callCode = code) => {
    for (const end of calls.values()) end(endError(callCode));
    for (const frame of frames) if (frame.end || lastClose?.cause !== "closed") fail(frame, endError(code));
  };
  const takeQueue = () => {
    queuedBytes = 0;
    return queue.splice(0);
  };

  /** Opens a new session if the identity has changed. Returns the identity that it read. */
  const verifyIdentity = () => {
    const current = readIdentity(options);
    if (current === identity) return current;
    identity = current;
    const wasConnected = status === "connected";
    const frames = [...session.end(), ...takeQueue()];
    const close: Close = { code: 1000, reason: "the identity has changed", cause: "identity" };
    if (connection) {
      connection.close(1000);
      lastClose = close;
      start();
      if (wasConnected) status = "reconnecting";
    }
    // Handlers run from here on. What they emit is of the new identity.
    dispatch(identityChange);
    drop(frames, "identity");
    setStatus(status);
    if (wasConnected) dispatch("disconnect", { ...close, willReconnect: status !== "closed" });
    return current;
  };

  /** Ends the connection or attempt, and the socket if it does not connect again. */
  const ended = (code: number, reason: string, cause?: Close["cause"]) => {
    connection = undefined;
    const wasConnected = status === "connected";
    // A server that closes each connection after its welcome must not be dialled without end.
    if (wasConnected && Date.now() - (connectedAt as number) >= maxReconnectInterval) attempts = 0;
    cause ??= !redial(code)
      ? "rejected"
      : reconnect && attempts >= maxReconnectAttempts
        ? "gaveUp"
        : "lost";
    const close: Close = (lastClose = { code, reason, cause });
    const willRetry = reconnect && cause === "lost";
    const delay = backoff(attempts, reason, options);
    if (cause === "gaveUp") mayStartAt = Date.now() + delay;
    // Undefined if the session or the queue is kept.
    const inFlight = willRetry && resumes(code) && session.resumeProtocol() ? undefined : session.end();
    const unsent = willRetry ? undefined : takeQueue();
    clearTimeout(retryTimer);
    if (!willRetry && cause !== "gaveUp") unwatch = unwatch?.() as undefined;
    // Handlers run from here on. Each may close the socket or connect it.
    setStatus(willRetry ? "reconnecting" : "closed");
    if (inFlight) drop(inFlight, "lost", willRetry ? "disconnected" : "closed");
    if (unsent) drop(unsent, "closed");
    if (!wasConnected && cause !== "closed")
      report(
        new CallError(
          "connect",
          `no connection to ${withoutSecrets(url)}: ${code} ${reason}`,
          undefined,
          close,
        ),
      );
    if (wasConnected || cause === "rejected")
      dispatch("disconnect", { ...close, willReconnect: status !== "closed" });
    if (willRetry) wait(delay);
    if (cause === "gaveUp" && status === "closed") dispatch("reconnectFailed", { attempts, code, reason });
  };

  /** Whether there is no connection, but will be one. */
  const isWaiting = () => !connection && status !== "closed";
  /** Starts the next attempt after `delay` ms, unless a handler has closed or connected the socket. */
  const wait = (delay: number) => {
    if (!isWaiting()) return;
    retryTimer = later(delay, start);
    dispatch("reconnecting", { attempt: ++attempts, delay });
  };
  /** Begins anew if the socket gave up: not before the wait after its last attempt is over. */
  const beginAnew = () => {
    if (status !== "closed" || lastClose?.cause !== "gaveUp") return;
    attempts = 0;
    setStatus("reconnecting");
    wait(Math.max(0, mayStartAt - Date.now()));
  };

  const received = (message: Message | undefined) => {
    const owner = identity;
    const isOwner = () => readIdentity(options) === owner;
    if (!message) return report(new CallError("undecodable", "not a message"));
    const [name, payload, id] = message;
    if (name === "$ok") calls.get(id)?.(undefined, payload);
    else if (name === "$err") {
      const { code = "", message, details } = Object(payload);
      const error = new CallError(code, message, details);
      if (id === undefined) report(error);
      else calls.get(id)?.(error);
    } else if (name === "$ack") flush();
    else if (!reserved.test(name)) {
      dispatch(name, payload, isOwner);
      dispatch(anyEvent, { event: name, data: payload }, isOwner);
    }
  };

  /** The bytes in the WebSocket's buffer; undefined while it cannot send. */
  const buffered = () => (status === "connected" ? connection?.buffered() : undefined);

  /** Removes the frame at the index from the queue; does nothing for -1. */
  const unqueue = (at: number) => {
    for (const { bytes } of at < 0 ? [] : queue.splice(at, 1)) queuedBytes -= bytes;
  };

  /** Sends the queue, up to the limits. */
  const flush = () => {
    while (sendable && queue.length && buffered() !== undefined) {
      const frame = queue[0] as Frame;
      const error = unsendable(frame);
      if (!error && !session.track(frame)) return;
      sendable--;
      unqueue(0);
      if (error) fail(frame, error);
      else {
        // Before it is sent: the answer may arrive inside of `send`.
        if (frame.end) calls.set(frame.id, frame.end);
        connection?.send(frame.text);
      }
    }
  };

  /** Why the server cannot receive the frame; undefined if it can. */
  const unsendable = ({ bytes }: Frame): CallError | undefined =>
    bytes > maxMessage ? new CallError("tooLarge", `over ${maxMessage} bytes`) : undefined;

  /** Sends or queues an event or, with `end`, a call. Returns an error if it does neither. */
  const post = (event: string, payload: unknown = {}, id = 0, end?: EndCall): CallError | undefined => {
    const owner = verifyIdentity();
    beginAnew();
    // Their handlers may have changed the identity again.
    if (identity !== owner) return endError("identity");
    if (status === "closed") return endError("closed");
    let text: string;
    try {
      text = JSON.stringify(id ? [event, payload, id] : [event, payload]);
    } catch (cause) {
      return new CallError("invalid", String(cause));
    }
    const violation =
      (text.includes("null") && checkNumbers(payload)) || checkRules?.(url, event, text);
    if (violation)
      return new CallError("invalid", `${violation.path || "the payload"} ${violation.message}`, violation);
    const frame = { event, text, bytes: byteLength(text), id, end };
    const error = unsendable(frame);
    if (error) return error;
    const bytes = buffered();
    if (
      bytes === undefined
        ? queue.length >= bufferSize
        : // A frame of a `connect` handler is sent before the queue, whose bytes do not count.
          bytes + (sendable < Infinity ? 0 : queuedBytes) > maxBufferedBytes
    )
      return new CallError("full", "the queue is full");
    queue.splice(sendable++, 0, frame);
    queuedBytes += frame.bytes;
    flush();
    return undefined;
  };

  const connect = () => {
    verifyIdentity();
    if (connection) return;
    if (status === "closed") {
      attempts = 0;
      unwatch ??= watchPage(
        (mayConnect, restored) => {
          connection?.probe(restored);
          if (!mayConnect) return;
          beginAnew();
          if (isWaiting() && Date.now() >= mayStartAt) start();
        },
        () => connection?.close(1000),
        options.wakeOn,
      );
      status = "connecting";
    }
    start();
    setStatus(status);
  };
  // An error of the program is thrown where it is made.
  if (typeof target === "string") webSocketUrl((url = target));
  try {
    if (process.env.NODE_ENV !== "production") checkOptions(options);
  } catch {
    // There is no `process`: a browser, without a bundler.
  }
  connect();

  const socket: SocketMembers<C> = {
    get status() {
      return status;
    },
    get connected() {
      return status === "connected";
    },
    get lastClose() {
      return lastClose;
    },
    on,
    once: (event, handler) => on(event, handler, true),
    onAny: (handler) => on(anyEvent, handler),
    off,
    subscribe: (listener) => on(statusChange, listener),
    connect,
    emit(event: string, payload?: unknown) {
      const error = post(event, payload);
      if (error) report(error, event);
      return !error;
    },
    call: (event: string, payload?: unknown, { timeout = callTimeout, signal }: CallOptions = {}) => {
      const id = ++lastId;
      return startCall(
        timeout,
        signal,
        (end) => post(event, payload, id, end),
        () => {
          calls.delete(id);
          unqueue(queue.findIndex((frame) => frame.id === id));
        },
      ) as Promise<never>;
    },
    tryCall: (...args) =>
      socket.call(...args).then(
        (value) => ({ ok: true, value }),
        (error) => ({
          ok: false,
          error: error instanceof CallError ? error : new CallError("aborted", String(error)),
        }),
      ) as Promise<CallResult<never, never>>,
    close(code = 1000, reason = "") {
      if ((code !== 1000 && (code < 3000 || code > 4999)) || byteLength(reason) > 123)
        throw new RangeError("invalid code or reason");
      if (status === "closed" && lastClose?.cause !== "gaveUp") return;
      connection?.close(code, reason);
      ended(code, reason, "closed");
    },
  };
  return disposable(socket, socket.close);
}
