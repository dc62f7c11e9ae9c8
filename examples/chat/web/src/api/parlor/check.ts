// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Violation } from "./contract";

/** A rule that a value must keep. */
export type Rule =
  | { rule: "length" | "range"; min?: number; max?: number }
  | { rule: "pattern"; pattern: string }
  | { rule: "email" | "url" }
  | { rule: "inner"; rules: Rule[] };

/**
 * The rules of a procedure's events by their fields; those of a whole payload have the field `""`.
 *
 * They are the server's own rules as far as they can be checked here: `nested` and `custom` ones,
 * and whatever is in doubt, are left to the server. Nothing is refused that the server would take.
 */
export type Rules = { [event: string]: { [field: string]: Rule[] } };

/** What every address has; the server looks closer at the domain. */
const email = /^[!#-'*+\--9=?A-Z^-~]{1,64}@[^\0-,/;-@]+$/;

/** What every URL has: a scheme. */
const url = /^[\0- ]*[a-z][\w+.\t\n\r-]*:/i;

const matches = (text: string, pattern: string): boolean => {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true; // an engine that does not know this syntax
  }
};

/** Characters of strings, not UTF-16 units; elements of arrays; entries of objects. */
const lengthOf = (value: unknown): unknown =>
  typeof value === "string"
    ? [...value].length
    : typeof value === "object" && Object.keys(value as object).length;

/** A bound that is absent is kept: comparisons with it are false. */
const within = (size: unknown, { min, max }: { min?: number; max?: number }) =>
  typeof size !== "number" || !(size < min! || size > max!);

/** Whether the value keeps the rule. One of another type than the rule is for does. */
const keeps = (value: unknown, rule: Rule): boolean => {
  if (rule.rule === "length") return within(lengthOf(value), rule);
  if (rule.rule === "range") return within(value, rule);
  if (typeof value !== "string" || rule.rule === "inner") return true;
  if (rule.rule === "pattern") return matches(value, rule.pattern);
  return (rule.rule === "email" ? email : url).test(value);
};

const first = (value: unknown, path: string, rules: Rule[]): Violation | undefined => {
  // What is absent keeps all rules.
  if (value != null)
    for (const rule of rules) {
      if (!keeps(value, rule)) return { path, message: `breaks the rule ${rule.rule}`, ...rule };
      if (rule.rule === "inner" && Array.isArray(value))
        for (const i in value) {
          const violation = first(value[i], `${path}[${i}]`, rule.rules);
          if (violation) return violation;
        }
    }
  return undefined;
};

/**
 * The first rule of the event that the payload breaks. The payload is to be as the server sees it,
 * read back from its JSON.
 */
export function check(rules: Rules[string], payload: unknown): Violation | undefined {
  for (const field in rules) {
    const value = field ? (payload as Record<string, unknown> | null)?.[field] : payload;
    const violation = first(value, field, rules[field] as Rule[]);
    if (violation) return violation;
  }
  return undefined;
}
