import type { Options } from "./options.js";

/** The last identity of each socket, by its options, and the subject of its token. */
const subjects = new WeakMap<Options, [identity: string | null, subject: unknown]>();

/**
 * Warns if `auth` returns a token of another user although the identity is the same: then the calls of
 * one user run as another. Only for development.
 */
export function warnOfSubject(options: Options, identity: string | null, token: string): void {
  const subject = subjectOf(token);
  const [lastIdentity, lastSubject] = subjects.get(options) ?? [];
  if (subject === undefined) return;
  subjects.set(options, [identity, subject]);
  if (lastSubject !== undefined && lastIdentity === identity && lastSubject !== subject)
    console.warn(
      "Parlor: `auth` returned a token with another `sub`, but `identity` is the same. Queued events and " +
        "calls of the last user may run as this one. Let `identity` return the id of the user.",
    );
}

/** The `sub` of a JWT; undefined for other tokens. */
const subjectOf = (token: string): unknown => {
  try {
    const payload = token.split(".")[1] as string;
    return JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return undefined;
  }
};
