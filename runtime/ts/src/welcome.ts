/** The payload of `$welcome`, the first message of a server in Parlor mode. */
export interface Welcome {
  /** The resume secret; null if the server keeps no sessions. */
  resume?: unknown;
  /** The number of counted frames of the session that the server has received. */
  received?: unknown;
  /** Whether the requested session was resumed. */
  recovered?: unknown;
  /** Why it was not resumed. */
  reason?: unknown;
  /** The largest message that the server accepts, in bytes. */
  maxMessage?: number;
  /** The silence after which the server pings, in ms. */
  heartbeat?: number;
}
