/** How a connection or an attempt to connect ended. */
export interface Close {
  /** The close code; see `docs/wire.md`. 1006: lost without a close frame, or a failed attempt. */
  readonly code: number;
  readonly reason: string;
  /**
   * Who ended it, and what follows:
   *
   * - `closed`: `close()` was called; the socket is closed until `connect()`
   * - `rejected`: the server sent a final close code, such as 4501; the socket is closed until `connect()`
   * - `gaveUp`: `maxReconnectAttempts` have failed; the socket is closed until the browser is online or
   *   the page is visible again, `emit`, `call` or `connect()`
   * - `lost`: the connection was lost, or an attempt failed; the socket connects again, unless `reconnect`
   *   is false
   * - `identity`: the identity has changed; the socket opens a new session
   * - `misconfigured`: the URL cannot be used, or there is no WebSocket class; the socket is closed until
   *   `connect()`
   */
  readonly cause: "closed" | "rejected" | "gaveUp" | "lost" | "identity" | "misconfigured";
}
