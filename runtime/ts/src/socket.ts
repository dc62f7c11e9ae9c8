import { backoff, redial, resumes } from "./backoff.js";
import { byteLength } from "./bytes.js";
import { CallError } from "./callError.js";
import { createCalls } from "./calls.js";
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
 * Names that events of a server cannot have: those of the wire, and those of `Lifecycle`, so that a
 * server cannot forge a lifecycle event.
 */
const reserved = /^(\$|(p[io]ng|(dis|re)?connect|reconnect(ing|Failed)|error)$)/;

/** The reserved names for handlers of changes of the status, and of all events of the server. */
const statusChange = "$status";
const anyEvent = "$event";

const connectionLost = "the connection is lost";
const identityChanged = "the identity has changed";

/** Bundlers replace its only use. */
declare const process: { env: { NODE_ENV?: string } };

/** Connects to `target`. Functions in `options` are read on each attempt and may be replaced. */
export function createSocket<C extends Contract>(target: Target, options: Options): Socket<C> {
  const {
    reconnect = true,
    maxReconnectInterval = 30_000,
    maxReconnectAttempts = Infinity,
    bufferSize = 256,
    callTimeout,
  } = options;
  const calls = createCalls(callTimeout, (id) => queue.some((frame) => frame.id === id));
  const session = createSession();

  let status: Status = "closed";
  let lastClose: Close | undefined;
  /** The attempt to connect, or the connection. */
  let connection: Connection | undefined;
  /** The timer of the next attempt. Unless the socket is closed, there is this or a connection. */
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
  let url = typeof target === "string" ? target : "";
  let reporting = false;
  /** Whether an attempt has failed since the last connection. */
  let warned = false;

  const readIdentity = () => {
    const { identity } = options;
    return (typeof identity === "function" ? identity() : identity) ?? null;
  };
  /** The owner of the session, the queue and the calls. */
  let identity = readIdentity();

  const report = ({ code, message, details, close }: CallError, event?: string) => {
    const error = { code, message, event, details, ...(close && { close }) } as SocketError;
    let handled = false;
    // An error of an `error` handler would be reported to it without end.
    if (!reporting && !(code === "handler" && event === "error")) {
      reporting = true;
      handled = dispatch("error", error);
      reporting = false;
    }
    if (handled || (code === "connect" && warned)) return;
    warned ||= code === "connect";
    console[code === "connect" ? "warn" : "error"]("Parlor:", error);
  };
  /** Reports an error for each frame that is not a call. */
  const reportEvents = (frames: Frame[], code: string, text: string) => {
    for (const { id, event } of frames) if (!id) report(new CallError(code, text, lastClose), event);
  };
  const { add, remove, dispatch } = createHandlers((event, cause) =>
    report(new CallError("handler", String(cause), undefined, cause), event),
  );
  /** Also called when only `lastClose` has changed. */
  const setStatus = (next: Status) => {
    status = next;
    dispatch(statusChange);
  };

  const start = () => {
    clearTimeout(retryTimer);
    retryTimer = undefined;
    const started = dial(
      async () => {
        url = typeof target === "string" ? target : await target();
        const rewritten = (await options.url?.(url)) ?? url;
        const token = await options.auth?.();
        // The token may be that of another identity than the attempt.
        if (connection === started) verifyIdentity();
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
        const again = connectedAt !== undefined;
        connectedAt = Date.now();
        warned = false;
        maxMessage = welcome.maxMessage || Infinity;
        const [reason, lostFrames] = session.attach(welcome, started.send);
        // Each of these handlers may close the socket.
        if (reason === "identity") dropAll(lostFrames);
        else if (reason) drop("lost", connectionLost, lostFrames);
        sendable = 0;
        const opened: Opened = { recovered: !reason, ...(again && reason && { reason }) };
        if (connection === started) setStatus("connected");
        if (connection === started) dispatch("connect", opened);
        if (connection === started && again) dispatch("reconnect", opened);
        sendable = Infinity;
        flush();
      },
      (message) => {
        verifyIdentity();
        if (connection === started) received(message);
      },
      lost,
    );
    connection = started;
  };

  /** Rejects the calls that are not queued, and reports the events. */
  const drop = (code: string, text: string, frames: Frame[]) => {
    calls.rejectSent(() => new CallError(code === "lost" ? "disconnected" : code, text, lastClose));
    reportEvents(frames, code, text);
  };
  /** Drops what the last identity has queued, too. */
  const dropAll = (inFlight: Frame[]) => drop("identity", identityChanged, [...inFlight, ...takeQueue()]);
  const takeQueue = () => {
    queuedBytes = 0;
    return queue.splice(0);
  };
  const dispatchDisconnect = (close: Close) =>
    dispatch("disconnect", { ...close, willReconnect: status !== "closed" });
  /** Opens a new session if the identity has changed. */
  const verifyIdentity = () => {
    const current = readIdentity();
    if (current === identity) return;
    identity = current;
    const wasConnected = status === "connected";
    const inFlight = session.end();
    const close: Close = { code: 1000, reason: identityChanged, cause: "identity" };
    if (connection) {
      connection.close(1000);
      lastClose = close;
      start();
      if (wasConnected) setStatus("reconnecting");
    }
    dropAll(inFlight);
    if (wasConnected) dispatchDisconnect(close);
  };

  const lost = (code: number, reason: string, misconfigured?: boolean) => {
    connection = undefined;
    const wasConnected = status === "connected";
    // A server that closes each connection after its welcome must not be dialled without end.
    if (wasConnected && Date.now() - (connectedAt as number) >= maxReconnectInterval) attempts = 0;
    const isFinal = !redial(code);
    const mayRetry = reconnect && !isFinal && !misconfigured;
    const gaveUp = mayRetry && attempts >= maxReconnectAttempts;
    const delay = backoff(attempts, reason, options);
    const close: Close = {
      code,
      reason,
      cause: misconfigured ? "misconfigured" : isFinal ? "rejected" : gaveUp ? "gaveUp" : "lost",
    };
    lastClose = close;
    mayStartAt = gaveUp ? Date.now() + delay : 0;
    const timer = mayRetry && !gaveUp && schedule(delay);
    const resuming = timer && resumes(code) && session.resumeProtocol();
    const lostFrames = resuming ? [] : session.end();
    // Handlers run from here on. Each may close the socket or connect it.
    if (timer) setStatus("reconnecting");
    const unsent = timer ? [] : end();
    if (!resuming) drop("lost", connectionLost, lostFrames);
    reportEvents(unsent, "closed", "not sent");
    if (!wasConnected)
      report(new CallError("connect", `no connection to ${withoutSecrets(url)}: ${code} ${reason}`, close));
    if (wasConnected || isFinal) dispatchDisconnect(close);
    if (timer) announce(timer, delay);
    if (gaveUp && status === "closed") dispatch("reconnectFailed", { attempts, code, reason });
  };

  const schedule = (delay: number) => {
    attempts++;
    return (retryTimer = later(delay, start));
  };
  const announce = (timer: Timer, delay: number) => {
    if (retryTimer === timer) dispatch("reconnecting", { attempt: attempts, delay });
  };
  /** Begins anew if the socket gave up: not before the wait after its last attempt is over. */
  const beginAnew = () => {
    if (lastClose?.cause !== "gaveUp") return;
    attempts = 0;
    const delay = Math.max(0, mayStartAt - Date.now());
    const timer = schedule(delay);
    setStatus("reconnecting");
    announce(timer, delay);
  };

  /** Ends everything but the connection. Returns the frames that were queued. */
  const end = () => {
    if (lastClose?.cause !== "gaveUp") unwatch = unwatch?.() as undefined;
    clearTimeout(retryTimer);
    retryTimer = undefined;
    const unsent = takeQueue();
    session.end();
    calls.rejectSent(closedError);
    setStatus("closed");
    return unsent;
  };

  const received = (message: Message | undefined) => {
    if (!message) return report(new CallError("undecodable", "not [name, payload]"));
    const [name, payload, id] = message;
    if (name === "$ok") calls.settle(id, undefined, payload);
    else if (name === "$err") {
      const { code = "", message, details } = Object(payload);
      const error = new CallError(code, message, undefined, details);
      if (id === undefined) report(error);
      else calls.settle(id, error);
    } else if (name === "$ack") flush();
    else if (!reserved.test(name)) {
      dispatch(name, payload);
      dispatch(anyEvent, { event: name, data: payload });
    }
  };

  /** The bytes in the WebSocket's buffer; undefined while it cannot send. */
  const buffered = () => (status === "connected" ? connection?.buffered() : undefined);

  /** Sends the queue, up to the limits. */
  const flush = () => {
    while (sendable && queue.length && buffered() !== undefined) {
      const frame = queue[0] as Frame;
      const error = unsendable(frame);
      if (!error && !session.track(frame)) return;
      sendable--;
      queuedBytes -= frame.bytes;
      queue.shift();
      if (!error) connection?.send(frame.text);
      else if (frame.id) calls.settle(frame.id, error);
      else report(error, frame.event);
    }
  };

  /** Why the server cannot receive the frame; undefined if it can. */
  const unsendable = ({ bytes }: Frame): CallError | undefined =>
    bytes > maxMessage ? new CallError("tooLarge", `more than ${maxMessage} bytes`) : undefined;

  const closedError = () =>
    new CallError(
      "closed",
      `the socket is closed: ${lastClose?.cause} ${lastClose?.code} ${lastClose?.reason}`,
      lastClose,
    );

  /** Sends or queues an event or, with an id, a call. Returns an error if it does neither. */
  const post = (event: string, payload: unknown = {}, id = 0): CallError | undefined => {
    verifyIdentity();
    if (status === "closed") beginAnew();
    if (status === "closed") return closedError();
    let text: string;
    try {
      text = JSON.stringify(id ? [event, payload, id] : [event, payload]);
    } catch (cause) {
      return new CallError("invalid", String(cause));
    }
    const violation =
      (text.includes("null") && checkNumbers(payload)) || checkRules?.(url, event, text);
    if (violation)
      return new CallError("invalid", `${violation.path || "the payload"} ${violation.message}`, undefined, violation);
    const frame = { event, text, bytes: byteLength(text), id };
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
          if (status === "closed") beginAnew();
          else if (retryTimer && Date.now() >= mayStartAt) start();
        },
        () => connection?.close(1000),
        options.wakeOn,
      );
      status = "connecting";
    }
    start();
    dispatch(statusChange);
  };
  // An error of the program is thrown where it is made.
  if (typeof target === "string") webSocketUrl(target);
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
    on: add,
    once: (event, handler) => add(event, handler, true),
    onAny: (handler) => add(anyEvent, handler),
    off: remove,
    emit(event, ...[payload]) {
      const error = post(event, payload);
      if (error) report(error, event);
      return !error;
    },
    call: (event: string, payload?: unknown, options: CallOptions = {}) =>
      calls.start(
        options,
        (id) => post(event, payload, id),
        (id) => {
          const at = queue.findIndex((frame) => frame.id === id);
          for (const { bytes } of at < 0 ? [] : queue.splice(at, 1)) queuedBytes -= bytes;
        },
      ) as Promise<never>,
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
        throw new RangeError("close code not 1000 or 3000-4999, or a reason over 123 bytes");
      if (status === "closed" && lastClose?.cause !== "gaveUp") return;
      const wasConnected = status === "connected";
      connection?.close(code, reason);
      connection = undefined;
      const close: Close = { code, reason, cause: "closed" };
      lastClose = close;
      end();
      if (wasConnected) dispatchDisconnect(close);
    },
    connect,
    subscribe: (listener) => add(statusChange, listener),
  };
  return disposable(socket, () => socket.close());
}
