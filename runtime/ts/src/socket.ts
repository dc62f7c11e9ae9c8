import { backoff, redial, resumes } from "./backoff.js";
import { byteLength } from "./bytes.js";
import { CallError } from "./callError.js";
import { createCalls } from "./calls.js";
import { check, checkNumbers } from "./check.js";
import { dial, webSocketClass, type Connection } from "./connection.js";
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
} from "./contract.js";
import { createIterator } from "./eventIterator.js";
import { createHandlers } from "./handlers.js";
import type { Message } from "./message.js";
import { isOffline, watchPage } from "./pageEvents.js";
import { rules } from "./rules.js";
import { createSession, type Frame } from "./session.js";
import { later, type Timer } from "./timer.js";
import { byPath, webSocketUrl, withoutQuery } from "./url.js";

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

/** Connects to `target`. Functions in `options` are read on each attempt and may be replaced. */
export function createSocket<C extends Contract>(target: Target, options: Options): Socket<C> {
  const {
    reconnect = true,
    maxReconnectInterval = 30_000,
    maxReconnectAttempts = 10,
    bufferSize = 256,
    callTimeout,
  } = options;
  const calls = createCalls(callTimeout, (id) => queue.some((frame) => frame.id === id));
  const session = createSession();

  let status: Status = "closed";
  /** The attempt to connect, or the connection. */
  let connection: Connection | undefined;
  /** The timer of the next attempt. Unless the socket is closed, there is this or a connection. */
  let retryTimer: Timer | undefined;
  let unwatchPage: (() => void) | undefined;
  /** The frames that are not sent yet: there is no connection, or a limit is reached. */
  const queue: Frame[] = [];
  let queuedBytes = 0;
  /** How many of them may be sent. Finite only in handlers of `connect`, whose frames are sent first. */
  let sendable = Infinity;
  /** The attempts since a connection lasted: all of them, and those that count for the limit. */
  let redials = 0;
  let attempts = 0;
  /** The time of the last `connect`. */
  let connectedAt: number | undefined;
  /** Whether the server has ever been in Parlor mode. */
  let wasParlorMode = false;
  let plainMode = false;
  /** The value of `redials` when plain mode was last verified by another dial: once per attempt. */
  let verifiedPlain = 0;
  let maxMessage = Infinity;
  let url = typeof target === "string" ? target : "";
  let reporting = false;

  const report = ({ code, message, details }: CallError, event?: string) => {
    const error = { code, message, event, details } as SocketError;
    let handled = false;
    // An error of an `error` handler would be reported to it without end.
    if (!reporting && !(code === "handler" && event === "error")) {
      reporting = true;
      handled = dispatch("error", error);
      reporting = false;
    }
    if (!handled) console.error("Parlor:", error);
  };
  /** Reports an error for each frame that is not a call. */
  const reportEvents = (frames: Frame[], code: string, text: string) => {
    for (const { id, event } of frames) if (!id) report(new CallError(code, text), event);
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
    clearTimeout(retryTimer);
    retryTimer = undefined;
    const started = dial(
      resolveUrl,
      options,
      session,
      !wasParlorMode,
      (welcome) => {
        const again = connectedAt !== undefined;
        // A server may have started just before the dial without subprotocols: dial with them again.
        if (!welcome && !again && verifiedPlain !== redials) {
          verifiedPlain = redials;
          started.close();
          return start();
        }
        connectedAt = Date.now();
        plainMode = !welcome;
        wasParlorMode ||= !plainMode;
        maxMessage = welcome?.maxMessage || Infinity;
        const [reason, lostFrames] = session.attach(welcome, started.send);
        if (reason) calls.rejectSent("disconnected", "connection lost");
        // Each of these handlers may close the socket.
        reportEvents(lostFrames, "lost", "not confirmed");
        sendable = 0;
        const opened: Opened = { recovered: !reason, ...(again && reason && { reason }) };
        if (connection === started) setStatus("connected");
        if (connection === started) dispatch("connect", opened);
        if (connection === started && again) dispatch("reconnect", opened);
        sendable = Infinity;
        flush();
      },
      received,
      lost,
    );
    connection = started;
  };

  const resolveUrl = async () => {
    url = typeof target === "string" ? target : await target();
    return webSocketUrl((await options.url?.(url)) ?? url);
  };

  const lost = (code: number, reason: string) => {
    connection = undefined;
    const wasConnected = status === "connected";
    if (wasConnected) {
      // A server that closes each connection after its welcome must not be dialled without end.
      if (Date.now() - (connectedAt as number) >= maxReconnectInterval) redials = attempts = 0;
    } else if (isOffline() && attempts) attempts--;

    const mayRedial = reconnect && redial(code) && webSocketClass(options);
    const delay = backoff(redials, reason, options);
    const timer = (retryTimer =
      mayRedial && attempts < maxReconnectAttempts ? later(delay, start) : undefined);
    const resuming = timer && resumes(code) && session.resumeProtocol();
    const lostFrames = resuming ? [] : session.end();
    // A socket that will be closed rejects its calls with `closed` instead.
    if (!resuming && (wasConnected || !resumes(code)))
      calls.rejectSent("disconnected", "connection lost");
    // Handlers run from here on. Each may close the socket or connect it.
    if (timer) {
      redials++;
      attempts++;
      setStatus("reconnecting");
    }
    const unsent = timer ? [] : end();
    reportEvents(lostFrames, "lost", "not confirmed");
    reportEvents(unsent, "closed", "not sent");
    if (!wasConnected)
      report(new CallError("connect", `no connection to ${withoutQuery(url)}: ${code} ${reason}`));
    if (wasConnected || !redial(code))
      dispatch("disconnect", { code, reason, willReconnect: status !== "closed" });
    if (timer && retryTimer === timer) dispatch("reconnecting", { attempt: attempts, delay });
    if (mayRedial && !timer && status === "closed")
      dispatch("reconnectFailed", { attempts, code, reason });
  };

  /** Ends everything but the connection. Returns the frames that were queued. */
  const end = () => {
    unwatchPage?.();
    clearTimeout(retryTimer);
    retryTimer = undefined;
    const unsent = queue.splice(0);
    queuedBytes = 0;
    session.end();
    calls.rejectSent("closed", "the socket is closed");
    setStatus("closed");
    dispatch(anyEvent);
    return unsent;
  };

  const received = (message: Message | undefined) => {
    if (!message) return report(new CallError("undecodable", "not [name, payload]"));
    const [name, payload, id] = message;
    if (name === "$ok") calls.settle(id, undefined, payload);
    else if (name === "$err") {
      const { code = "", message, details } = Object(payload);
      const error = new CallError(code, message, details);
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
  const unsendable = ({ id, bytes }: Frame): CallError | undefined => {
    if (plainMode && id) return new CallError("plain", "no answers in plain mode");
    if (bytes > maxMessage)
      return new CallError("tooLarge", `more than ${maxMessage} bytes`);
    return undefined;
  };

  /** Sends or queues an event or, with an id, a call. Returns an error if it does neither. */
  const post = (event: string, payload: unknown = {}, id = 0): CallError | undefined => {
    if (status === "closed") return new CallError("closed", "the socket is closed");
    let text: string;
    try {
      text = JSON.stringify(id ? [event, payload, id] : [event, payload]);
    } catch (cause) {
      return new CallError("invalid", String(cause));
    }
    const eventRules = byPath(rules, url)?.[event];
    // Parsed from its JSON, as the server sees it: dates are strings, undefined fields are absent.
    const violation =
      (text.includes("null") && checkNumbers(payload)) ||
      (eventRules && check(eventRules, JSON.parse(text)[1]));
    if (violation)
      return new CallError("invalid", `${violation.path || "the payload"} ${violation.message}`, violation);
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
    if (connection) return;
    if (status === "closed") {
      redials = attempts = 0;
      unwatchPage = watchPage(
        (mayConnect, restored) => {
          connection?.probe(restored);
          if (mayConnect && retryTimer) start();
        },
        () => connection?.close(1000),
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
      const error = post(event, payload);
      if (error) report(error, event);
      return !error;
    },
    call: (event: string, payload?: unknown, options: CallOptions = {}) =>
      calls.start(
        options,
        (id) => post(event, payload, id),
        (id) => {
          const frame = queue.find((frame) => frame.id === id);
          if (!frame) return;
          queue.splice(queue.indexOf(frame), 1);
          queuedBytes -= frame.bytes;
        },
      ) as Promise<never>,
    close(code = 1000, reason = "") {
      if (code !== 1000 && (code < 3000 || code > 4999))
        throw new RangeError(`close code ${code}: not 1000 or 3000-4999`);
      if (status === "closed") return;
      const wasConnected = status === "connected";
      connection?.close(code, reason);
      connection = undefined;
      end();
      if (wasConnected) dispatch("disconnect", { code, reason, willReconnect: false });
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
