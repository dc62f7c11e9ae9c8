// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/** What the server sends in one WebSocket message: `[name, payload, id?]`. */
export type Message = [name: string, payload?: unknown, id?: unknown];

/** Parses the data of a WebSocket message; undefined if it is not a {@link Message}. */
export const parseMessage = (data: unknown): Message | undefined => {
  try {
    const parsed: unknown = typeof data === "string" && JSON.parse(data);
    if (Array.isArray(parsed) && typeof parsed[0] === "string") return parsed as Message;
  } catch {
    // Not JSON.
  }
  return undefined;
};
