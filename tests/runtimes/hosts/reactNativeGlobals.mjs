// The globals of React Native, as its sources define them, for a context of `node:vm`.
import { WebSocket as NativeWebSocket } from "ws";

/** As React Native's: over a native module, with fewer members than a browser's. */
class WebSocket {
  #native;
  readyState = 0;
  // Present, and undefined until the connection is open.
  protocol;
  // Declared, and never set.
  bufferedAmount;
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;

  constructor(url, protocols) {
    this.url = url;
    this.#native = new NativeWebSocket(url, protocols ?? []);
    let failure;
    this.#native.onopen = () => {
      this.readyState = 1;
      this.protocol = this.#native.protocol;
      this.#dispatch("open", {});
    };
    this.#native.onmessage = ({ data }) => this.#dispatch("message", { data });
    this.#native.onerror = ({ message }) => {
      failure = message;
    };
    this.#native.onclose = ({ code, reason }) => {
      this.readyState = 3;
      if (failure === undefined) return this.#dispatch("close", { code, reason });
      this.#dispatch("error", {});
      this.#dispatch("close", { code: 1006, reason: failure });
    };
  }

  #dispatch(type, event) {
    this[`on${type}`]?.({ type, target: this, ...event });
  }

  send(data) {
    if (this.readyState === 0) throw new Error("INVALID_STATE_ERR");
    this.#native.send(data);
  }

  close(code, reason) {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.#native.close(typeof code === "number" ? code : 1000, typeof reason === "string" ? reason : "");
  }
}

/** The `URL` of React Native up to 0.82: it parses nothing, and adds a slash to each URL without a query. */
class URL {
  #url;

  constructor(url, base) {
    if (base) throw new TypeError(`Invalid base URL: ${base}`);
    this.#url = /\/$|[?#]/.test(url) ? url : `${url}/`;
  }
  get href() {
    return this.#url;
  }
  get protocol() {
    return /^[a-z][a-z\d+\-.]*:/i.exec(this.#url)?.[0] ?? "";
  }
  // Only with http and https.
  get host() {
    return "";
  }
  toString() {
    return this.#url;
  }
}

/** The `URL` of 0.73, which throws for all else. */
class OldURL extends URL {
  get protocol() {
    throw new Error("URL.protocol is not implemented");
  }
  get host() {
    throw new Error("URL.host is not implemented");
  }
}

/** A timer is a number. */
const timer =
  (set) =>
  (...args) =>
    Number(set(...args));

/**
 * The globals of a version.
 *
 * @param old whether it is 0.73, whose engine has no `TextEncoder`, and which must define `btoa` for `auth`
 * @param document the global `document`, which some packages define; undefined for none
 * @param abort `AbortController` and `AbortSignal` of the package `abort-controller`, as React Native has them
 */
export function reactNativeGlobals({ old, document, abort }) {
  return {
    ...abort,
    ...(!old && { TextEncoder }),
    btoa,
    ...(document && { document }),
    __DEV__: true,
    clearInterval,
    clearTimeout,
    console,
    navigator: { product: "ReactNative" },
    performance: { now: () => performance.now() },
    process: { env: { NODE_ENV: "development" } },
    queueMicrotask,
    setImmediate: timer(setImmediate),
    setInterval: timer(setInterval),
    setTimeout: timer(setTimeout),
    URL: old ? OldURL : URL,
    WebSocket,
  };
}
