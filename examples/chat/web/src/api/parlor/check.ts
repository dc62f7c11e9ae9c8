// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Violation } from "./contract";
import { byPath } from "./url";

/** A rule for a value. */
export type Rule =
  | { rule: "length" | "range"; min?: number; max?: number }
  | { rule: "pattern"; pattern: string }
  | { rule: "email" | "url" }
  | { rule: "inner"; rules: Rule[] };

/**
 * The rules of a procedure's events, by field; the field `""` stands for the whole payload.
 *
 * They are the rules of the server that a client can check exactly. Only the server checks the others,
 * such as `nested` and `custom`. A payload that the server accepts never breaks a rule here.
 */
export type Rules = { [event: string]: { [field: string]: Rule[] } };

/** Matches every address that the server accepts. The server also checks the domain. */
const email = /^[!#-'*+\--9=?A-Z^-~]{1,64}@[^\0-,/;-@]+$/;

/** Matches every URL: it has a scheme. */
const url = /^[\0- ]*[a-z][\w+.\t\n\r-]*:/i;

const matches = (text: string, pattern: string): boolean => {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true; // the engine does not support this syntax
  }
};

/** The characters (not UTF-16 units) of a string, elements of an array, or entries of an object. */
const lengthOf = (value: unknown): unknown =>
  typeof value === "string"
    ? [...value].length
    : typeof value === "object" && Object.keys(value as object).length;

/** Comparisons with an absent bound are false, so it holds. */
const isWithin = (size: unknown, { min, max }: { min?: number; max?: number }) =>
  typeof size !== "number" || !(size < min! || size > max!);

/** Whether the value obeys the rule, or is of a type that the rule does not apply to. */
const obeys = (value: unknown, rule: Rule): boolean => {
  if (rule.rule === "length") return isWithin(lengthOf(value), rule);
  if (rule.rule === "range") return isWithin(value, rule);
  if (typeof value !== "string" || rule.rule === "inner") return true;
  if (rule.rule === "pattern") return matches(value, rule.pattern);
  return (rule.rule === "email" ? email : url).test(value);
};

const firstViolation = (value: unknown, path: string, rules: Rule[]): Violation | undefined => {
  // An absent value obeys all rules.
  if (value != null)
    for (const rule of rules) {
      if (!obeys(value, rule)) return { path, message: `breaks the rule ${rule.rule}`, ...rule };
      if (rule.rule === "inner" && Array.isArray(value))
        for (const i of Object.keys(value) as any[]) {
          const violation = firstViolation(value[i], `${path}[${i}]`, rule.rules);
          if (violation) return violation;
        }
    }
  return undefined;
};

/**
 * Returns the first rule of the event that the payload breaks. The payload must be parsed from its
 * JSON, as the server parses it.
 */
export function check(rules: Rules[string], payload: unknown): Violation | undefined {
  for (const field of Object.keys(rules)) {
    const value = field ? (payload as Record<string, unknown> | null)?.[field] : payload;
    const violation = firstViolation(value, field, rules[field] as Rule[]);
    if (violation) return violation;
  }
  return undefined;
}

/** Checks a message before it is sent: its event, and its text. */
export type CheckRules = (url: string, event: string, text: string) => Violation | undefined;

/** Returns a function that checks messages by the rules of the procedure at the end of the URL's path. */
export function createCheck(rules: Record<string, Rules>): CheckRules {
  return (url, event, text) => {
    const eventRules = byPath(rules, url)?.[event];
    // Parsed from its JSON, as the server parses it: dates are strings, undefined fields are absent.
    return eventRules && check(eventRules, JSON.parse(text)[1]);
  };
}
