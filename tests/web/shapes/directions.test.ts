import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { CallError, Directions, Socket } from "./api";
import { connection } from "./connection";

type Call = Exclude<keyof Directions.Incoming, "whole">;

/** What a client sends, and what the server answers. `tsc` checks both. */
type Pair<E extends Call> = [Directions.Incoming[E]["value"], Directions.Answers[E]];

const shared = connection();
let socket: Socket<Directions>;
before(async () => {
  await shared.ready;
  socket = shared.client.directions.$ws();
});
after(() => socket?.close());

const address = { lines: ["a"], country: null };
const defaults = { count: 0, five: 5, list: [], required: true };
const settings = { volume: 11, name: "Ada", address: null };

/** For each type, what is required only, and everything. */
const pairs: { [E in Call]: Pair<E>[] } = {
  options: [
    [
      { required: null },
      { plain: null, default: null, required: null, inside: null, own: null },
    ],
    [
      { plain: null, default: null, leftOut: null, required: "r", inside: null, own: null },
      { plain: null, default: null, required: "r", inside: null, own: null },
    ],
    [
      { plain: "p", default: "d", leftOut: "l", required: "r", inside: "i", own: { required: null } },
      {
        plain: "p",
        default: "d",
        leftOut: "l",
        required: "r",
        inside: "i",
        own: { plain: null, default: null, required: null, inside: null, own: null },
      },
    ],
  ],
  defaults: [
    [{ required: true }, defaults],
    [
      { count: 1, five: 2, list: [{ lines: ["a"] }], required: false },
      { count: 1, five: 2, list: [address], required: false },
    ],
  ],
  allDefaults: [
    [{}, settings],
    [{ volume: 1 }, { volume: 1, name: "Ada", address: null }],
    [
      { volume: 1, name: "Bob", address: { lines: ["a"] } },
      { volume: 1, name: "Bob", address },
    ],
  ],
  omitted: [
    [{ count: 0 }, { short: null }],
    [{ count: 0, list: [], short: "ab" }, {}],
    [
      { count: 1, list: [2], short: "abc" },
      { count: 1, list: [2], short: "abc" },
    ],
  ],
  oneWay: [
    [
      { password: "secret", name: "Ada" },
      { id: 6, name: "Ada" },
    ],
    [
      { password: "", hint: "pet", name: "Ada" },
      { id: 0, seen: 3, name: "Ada" },
    ],
  ],
  strict: [[{ color: "red" }, { text: "", color: "red" }]],
  twoNames: [
    [
      { user_id: 1, 'it\'s "body"': "b", same: true },
      { userId: 1, text: "b", messageKind: null, same: true },
    ],
    [
      { user_id: 1, 'it\'s "body"': "b", kind: "k", same: true },
      { userId: 1, text: "b", messageKind: "k", same: true },
    ],
  ],
  cases: [
    [{ upper: { one_field: 1 } }, { upper: { ONE_FIELD: 1 } }],
    [{ screaming: { "ONE-FIELD": 1 } }, { screaming: { ONE_FIELD: 1 } }],
    [{ kebab: { OneField: 1 } }, { kebab: { "one-field": 1 } }],
  ],
  tagged: [[{ value: 1 }, { type: "Tagged", value: 1 }]],
  tuple: [
    [
      [1, null],
      [1, null, 0],
    ],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  ],
  explicit: [
    [{}, { number: "0", other: "0" }],
    [
      { number: "1", other: "2" },
      { number: "1", other: "2" },
    ],
  ],
  flat: [
    [
      { required: true, kind: "ask" },
      { ...defaults, kind: "answered", text: "", own: null },
    ],
    [
      { required: true, kind: "color", lines: ["a"], own: 1, count: 2 },
      { ...defaults, count: 2, kind: "color", ...address, own: 1 },
    ],
  ],
  flatMap: [
    [{}, { count: 0 }],
    [
      { more: [null] },
      { count: 0, more: [null] },
    ],
  ],
  internal: [
    [{ kind: "ask" }, { kind: "answered", text: "" }],
    [
      { kind: "ask", text: "a" },
      { kind: "answered", text: "a" },
    ],
    [
      { kind: "color", lines: ["a"] },
      { kind: "color", ...address },
    ],
    [{ kind: "hello" }, { kind: "answered", text: "hello", by: 1 }],
    [{ kind: "in" }, { kind: "out" }],
    [{ kind: "other" }, { kind: "other" }],
  ],
  external: [
    ["old_name", { "NEW-NAME": { count: 0, five: 0, list: [], required: false } }],
    [{ both_names: {} }, { "BOTH-NAMES": { value: 0 } }],
    [{ tuple: [1] }, { TUPLE: [1, 0] }],
    [{ tuple: [1, 2] }, { TUPLE: [1, 2] }],
  ],
  adjacent: [
    [
      { kind: "settings", value: {} },
      { kind: "settings", value: settings },
    ],
    [
      { kind: "struct", value: {} },
      { kind: "struct", value: { text: "" } },
    ],
    [{ kind: "other" }, { kind: "other" }],
  ],
  untagged: [
    [{ required: true }, defaults],
    ["text", "text"],
    [{ number: 1 }, { text: "", number: 1 }],
  ],
  nested: [
    [
      { inner: { settings: {}, all: [[1, { required: true }]] }, page: { items: [{ settings: {}, all: [] }] } },
      {
        inner: { settings, all: [[1, defaults]] },
        page: { items: [{ settings, all: [] }], next: null, first: null },
      },
    ],
  ],
  generic: [
    [
      { items: [{ required: true }] },
      { items: [defaults], next: null, first: null },
    ],
    [
      { items: [], next: "n", first: { required: true } },
      { items: [], next: "n", first: defaults },
    ],
  ],
  containers: [[{ a: [null, {}] }, { a: [null, settings] }]],
  converted: [["text", 4]],
  checked: [
    [{ settings: {} }, { type: "Checked", CHECKED_NAME: "", SETTINGS: settings }],
    [
      { name: "Ada", settings: {} },
      { type: "Checked", CHECKED_NAME: "Ada", SETTINGS: settings },
    ],
  ],
  written: [
    [{ kind: "none" }, []],
    [{ kind: "range", end: 2 }, [2]],
    [{ kind: "range", start: 1, end: 2 }, [1, 2]],
  ],
  same: [
    [
      { text: "t", list: [[1, 2]] },
      { text: "t", list: [[1, 2]] },
    ],
  ],
};

const call = (event: string, value: unknown): Promise<unknown> =>
  (socket.call as (event: string, payload: unknown) => Promise<unknown>)(event, { value });

for (const [event, cases] of Object.entries(pairs)) {
  test(`the server accepts the input type of ${event} and answers with its output type`, async () => {
    for (const [input, output] of cases) assert.deepEqual(await call(event, input), output);
  });
}

test("a whole payload is sent in its input type", async () => {
  assert.deepEqual(await socket.call("whole", { required: true }), defaults);
});

/** What the input types do not have, and the server does not take. */
const wrong: [Call, unknown][] = [
  ["options", {}],
  ["defaults", {}],
  ["defaults", { required: true, count: null }],
  ["omitted", {}],
  ["oneWay", { name: "Ada" }],
  ["strict", { color: "red", id: 1 }],
  ["twoNames", { userId: 1, text: "b", same: true }],
  ["tagged", { type: "Tagged", value: 1 }],
  ["tuple", [1]],
  ["converted", 4],
  ["checked", { CHECKED_NAME: "Ada", SETTINGS: settings }],
  ["checked", { name: "Grace", settings: {} }],
  ["written", [1]],
  ["external", { "NEW-NAME": { required: true } }],
  ["external", { "BOTH-NAMES": { value: 1 } }],
];

test("a value that only the output type allows is rejected", async () => {
  for (const [event, value] of wrong) {
    const error = await call(event, value).then(
      (answer) => assert.fail(`${event} took ${JSON.stringify(value)}: ${JSON.stringify(answer)}`),
      (error: CallError) => error,
    );
    assert.equal(error.code, "invalid", `${event} ${error}`);
  }
});
