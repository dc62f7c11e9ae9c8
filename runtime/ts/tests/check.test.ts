import assert from "node:assert/strict";
import { test } from "node:test";

import { check, type Rule } from "../src/check.js";

/** Returns the path and the rule that the value breaks. */
const broken = (value: unknown, ...rules: Rule[]) => {
  const violation = check({ field: rules }, { field: value });
  return violation && `${violation.path}: ${violation.rule}`;
};
const obeys = (value: unknown, ...rules: Rule[]) => assert.equal(broken(value, ...rules), undefined);
const breaks = (value: unknown, rule: Rule) => assert.equal(broken(value, rule), `field: ${rule.rule}`);

test("length counts characters, elements and entries", () => {
  const rule: Rule = { rule: "length", min: 2, max: 3 };
  for (const value of ["ab", "abc", "🎉🎉", "🎉🎉🎉", [1, 2], { a: 1, b: 2 }]) obeys(value, rule);
  for (const value of ["", "a", "abcd", "🎉", [1], [1, 2, 3, 4], { a: 1 }, {}]) breaks(value, rule);
  for (const value of [7, true]) obeys(value, rule);
  obeys("x".repeat(9999), { rule: "length", min: 1 });
  obeys("", { rule: "length", max: 0 });
  breaks("a", { rule: "length", max: 0 });
});

test("range applies to numbers only", () => {
  const rule: Rule = { rule: "range", min: -1.5, max: 0 };
  for (const value of [-1.5, 0, -0, -1]) obeys(value, rule);
  for (const value of [-1.6, 0.1, 1e300]) breaks(value, rule);
  for (const value of ["7", [7], { valueOf: 7 }, true]) obeys(value, rule);
});

test("a pattern matches anywhere in the text, by Unicode", () => {
  obeys("xaby", { rule: "pattern", pattern: "ab" });
  breaks("xaby", { rule: "pattern", pattern: "^ab$" });
  obeys("🎉", { rule: "pattern", pattern: "^.$" });
  obeys("é", { rule: "pattern", pattern: "^\\p{L}$" });
  breaks("1", { rule: "pattern", pattern: "^\\p{L}$" });
  obeys("anything", { rule: "pattern", pattern: "(" });
  obeys(7, { rule: "pattern", pattern: "x" });
});

test("email rejects only what the server rejects", () => {
  const rule: Rule = { rule: "email" };
  const good = [
    "a@b",
    "email@here.com",
    "weirder-email@here.and.there.com",
    "!def!xyz%abc@example.com",
    "o'hara+tag@example.com",
    "A_{|}~^`?=/*$#&@EXAMPLE.com",
    "email@[127.0.0.1]",
    "email@[2001:dB8::1]",
    "email@[::ffff:127.0.0.1]",
    "test@domain.with.idn.tld.उदाहरण.परीक्षा",
    `${"a".repeat(64)}@b.c`,
  ];
  for (const value of good) obeys(value, rule);
  const bad = ["", "abc", "abc@", "@b", "a b@c", "a@b c", "a@@b", "a@b@c", "ü@b", `${"a".repeat(65)}@b`];
  for (const value of bad) breaks(value, rule);
});

test("url rejects only what has no scheme", () => {
  const rule: Rule = { rule: "url" };
  for (const value of ["https://a.b/c", "mailto:a@b", "a+b-c.d:x", " http://a", "ht\ntp://a", "HTTP://A"])
    obeys(value, rule);
  for (const value of ["", "example.com", "/path", "//a.b", "7up:x", "?a:b"]) breaks(value, rule);
});

test("inner checks each element, and its violation has the index", () => {
  const rule: Rule = { rule: "inner", rules: [{ rule: "length", max: 1 }] };
  obeys(["a", "b", null], rule);
  obeys([], rule);
  obeys("abc", rule);
  obeys({ 0: "abc" }, rule);
  assert.equal(broken(["a", "bc"], rule), "field[1]: length");
  assert.equal(broken([["a"], ["a", "bc"]], { rule: "inner", rules: [rule] }), "field[1][1]: length");
  breaks(["a", "b"], { rule: "length", max: 1 });
});

test("absent and null values obey all rules", () => {
  const rules: Rule[] = [
    { rule: "length", min: 1 },
    { rule: "range", min: 1 },
    { rule: "pattern", pattern: "x" },
    { rule: "email" },
    { rule: "url" },
    { rule: "inner", rules: [] },
  ];
  obeys(undefined, ...rules);
  obeys(null, ...rules);
  for (const payload of [null, undefined, 7, "x", []])
    assert.equal(check({ field: rules }, payload), undefined);
});

test("check returns the first broken rule with its bounds and without the value", () => {
  const violation = check(
    { a: [{ rule: "length", min: 1 }], b: [{ rule: "email" }, { rule: "length", min: 2, max: 4 }] },
    { a: "x", b: "" },
  );
  assert.deepEqual(violation, { path: "b", rule: "email", message: "breaks the rule email" });
  assert.deepEqual(check({ b: [{ rule: "range", max: 4 }] }, { b: 77 }), {
    path: "b",
    rule: "range",
    message: "breaks the rule range",
    max: 4,
  });
});

test("a violation of the whole payload has an empty path", () => {
  const rules = { "": [{ rule: "inner", rules: [{ rule: "length", max: 1 }] }] satisfies Rule[] };
  assert.equal(check(rules, ["a", "bc"])?.path, "[1]");
});

test("rules for names of Object.prototype find nothing in an empty payload", () => {
  const rules: Rule[] = [{ rule: "length", max: 0 }, { rule: "range", max: 0 }];
  const table = JSON.parse('{"__proto__":[],"constructor":[],"toString":[],"length":[]}');
  for (const field of ["constructor", "toString", "__proto__"]) table[field] = rules;
  assert.equal(check(table, {}), undefined);
  assert.equal(check(Object.prototype as never, {}), undefined);
  assert.equal(check(Object as never, {}), undefined);
});
