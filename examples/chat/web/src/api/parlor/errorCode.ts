// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/**
 * The codes of a server for an event or call that failed:
 *
 * - `refused`: the handler returned `Err(E)`; `details` is the `E`
 * - `failed`: the answer, or the `E`, cannot be encoded or is larger than `Limits::max_outbox_size`; the handler has run
 * - `unknown`: no event has this name; the message has a similar name, if there is one
 * - `malformed`: not `[name, payload]` or `[name, payload, id]`, or not JSON; after 100 in a row the server closes with 1008
 * - `invalid`: a field is missing (`required`), cannot be read as its type (`type`) or breaks a rule: `details` is `{path, rule, message, min?, max?}`
 * - `denied`: the guard denied the event
 * - `limited`: the rate limit is exceeded
 * - `panicked`: the handler, the guard or the decoding panicked; the session ends with 1011
 * - `timedOut`: the handler took longer than `Timeouts::handler`
 */
export type ErrorCode =
  | "refused"
  | "failed"
  | "unknown"
  | "malformed"
  | "invalid"
  | "denied"
  | "limited"
  | "panicked"
  | "timedOut";
