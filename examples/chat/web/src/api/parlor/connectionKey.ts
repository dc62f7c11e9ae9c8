// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { readIdentity } from "./identity";
import type { Options, Target } from "./options";

/** What a component connects with, as of one render. */
export interface ConnectionSettings {
  /** The {@link connectionKey}; null if it does not connect. */
  key: string | null;
  target: Target;
  options: Options;
  /** The identity that the options had in this render. */
  identity: string | null | undefined;
}

/** Returns the identity of the options; undefined if they have none. */
export const identityOf = (options: Options): string | null | undefined =>
  options.identity === undefined ? undefined : readIdentity(options);

const ids = new WeakMap<object, number>();
let lastId = 0;

/** The same text for the same function only. */
const referenceTo = (value: object): string => {
  const id = ids.get(value) ?? ++lastId;
  ids.set(value, id);
  return `#${id}`;
};

/**
 * Returns the key of a connection. Components with equal keys and identities share one.
 *
 * Functions that components create in each render cannot be compared. Two of them are the same setting only
 * where another setting says so: `auth` functions of one identity, and all functions of one `name`. With any
 * other function the connection belongs to the component.
 *
 * @param target the URL
 * @param options the options, none of them undefined
 * @param component a text that only this component has
 * @param name the option `key`
 * @param shared the options of the client. Functions among them are compared by reference, as is the
 * WebSocket class
 */
export function connectionKey(
  target: Target,
  options: Options,
  component: string,
  name: string | undefined,
  shared: Options,
): string {
  const own = name === undefined ? component : "function";
  const settings = Object.entries(options).map(([option, value]) => {
    // Not its value, which is compared apart from the key: it changes while a socket is open. A function may give
    // another identity before a component with a value renders again.
    if (option === "identity") return [option, typeof value === "function" ? "function" : "value"];
    if (Object(value) !== value) return [option, String(value)];
    if (option === "WebSocket" || value === shared[option as keyof Options]) return [option, referenceTo(value)];
    return [option, option === "auth" && options.identity !== undefined ? "function" : own];
  });
  return JSON.stringify([
    typeof target === "string" ? [target] : own,
    name,
    ...settings.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ]);
}
