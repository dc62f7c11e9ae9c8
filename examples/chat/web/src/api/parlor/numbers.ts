// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Violation } from "./contract";

/**
 * Returns the violation of the first number in the payload that is not finite. JSON does not have these:
 * `JSON.stringify` writes `null`.
 */
export const checkNumbers = (value: any, path = ""): Violation | undefined => {
  if (typeof value === "number" && !isFinite(value))
    return { path, rule: "type", message: "is not finite" };
  // What `toJSON` returns is not known here.
  if (Object(value) === value && !value.toJSON)
    for (const key of Object.keys(value)) {
      const violation = checkNumbers(
        value[key],
        Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key,
      );
      if (violation) return violation;
    }
  return undefined;
};
