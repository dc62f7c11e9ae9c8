import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { CallError, Shapes, Socket } from "./api";
import { connection } from "./connection";
import { Random } from "./random";
import { person, values, type Echo, type Value } from "./values";

const shared = connection();
let socket: Socket<Shapes>;
before(async () => {
  await shared.ready;
  socket = shared.client.shapes.$ws();
});
after(() => socket?.close());

/** Returns the value as the server returns it. */
const echo = <E extends Echo>(event: E, value: Value<E>): Promise<unknown> =>
  (socket.call as (event: string, payload: unknown) => Promise<unknown>)(event, { value });

/** Edge cases. */
const edges: { [E in Echo]?: Value<E>[] } = {
  integers: [
    { u8: 255, i8: -128, u16: 65535, i16: -32768, u32: 2 ** 32 - 1, i32: -(2 ** 31), u64: 2 ** 53, i64: -(2 ** 53), u128: 2 ** 53, i128: -(2 ** 53), usize: 2 ** 53 },
    { u8: 0, i8: 127, u16: 0, i16: 32767, u32: 0, i32: 2 ** 31 - 1, u64: 2 ** 53 - 1, i64: 2 ** 53 - 1, u128: 2 ** 53 - 1, i128: 2 ** 53 - 1, usize: 0 },
  ],
  double: [0, 1, -1.5, 0.1, 0.1 + 0.2, 1e21, 1e-7, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON, 1 / 3],
  single: [0, -0.5, 16_777_216, 2 ** -10],
  letter: ["a", "\0", "ä", "€", "😀", "\u{10ffff}", "\ufeff", "\u2028", '"', "\\"],
  text: [
    "",
    "\0",
    "a\0b",
    "\u0001\u001f\u007f\u0080",
    "e\u0301 is not é",
    "👩‍👩‍👧‍👦 and 👋🏽 and 🇺🇳",
    "שלום مرحبا \u202eleft",
    "\u2028\u2029\ufeff\ufffd\uffff",
    "\u{1f600}\u{10ffff}",
    '"\\/\b\f\n\r\t',
    "x".repeat(60_000),
  ],
  maybe: [null, ""],
  list: [[], [2 ** 53, -(2 ** 53), 0]],
  lists: [[], [[]], [[null], [], ["", null]]],
  byName: [{}, { "": 1, "\0": 2, "😀": 3, constructor: 4, "a.b": 5 }],
  byNumber: [{}, { 0: "", 4294967295: "x" }],
  byInteger: [{ [-(2 ** 53)]: true, [2 ** 53]: false }],
  byColor: [{}, { red: 0, darkGreen: 1, 'light blue "#9cf"': 255 }],
  external: ["unit", { new: [0, null] }, { tuple: [255, ""] }, { struct: { someField: 0, other: null } }],
  internal: [{ kind: "unit" }, { kind: "new", lines: [], country: null }, { kind: "struct", someField: 2 ** 53, other: { kind: "unit" } }],
  adjacent: [{ kind: "unit" }, { kind: "new", value: 0.5 }, { kind: "tuple", value: [1, null] }, { kind: "struct", value: { someField: 1 } }],
  untagged: [2 ** 53, -1, "1", [true, 1], { someField: false }, null],
  moment: ["1969-12-31T23:59:59.999Z", "2000-02-29T00:00:00Z", "2038-01-19T03:14:08.000001Z", "9999-12-31T23:59:59Z"],
  day: ["0001-01-01", "1970-01-01", "2024-02-29", "9999-12-31"],
  id: ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
  link: ["https://example.com/", "http://[::1]:8080/?a=1&b=%20#x", "mailto:ada@example.com", "https://xn--bcher-kva.example/"],
  json: [null, 0, "", [], {}, [[[]]], { a: { b: [null, true, 2 ** 53, -(2 ** 53), 0.5] } }],
};

for (const event of Object.keys(values) as Echo[]) {
  test(`${event} returns the value that was sent`, async () => {
    for (const value of (edges[event] ?? []) as Value<typeof event>[])
      assert.deepEqual(await echo(event, value), value);
    const random = new Random(7);
    const all = Array.from({ length: 100 }, () => values[event](random));
    const answers = await Promise.all(all.map((value) => echo(event, value as never)));
    for (const [at, value] of all.entries()) assert.deepEqual(answers[at], value);
  });
}

test("an absent field is null or its default", async () => {
  assert.equal(await socket.call("maybe", {}), null);
  assert.equal(await socket.call("maybe"), null);
  assert.deepEqual(await socket.call("nested", { value: { fullName: "", address: { lines: [] }, friends: [] } }), {
    fullName: "",
    address: { lines: [], country: null },
    friends: [],
  });
  assert.deepEqual(await socket.call("external", { value: { struct: { someField: 1 } } }), {
    struct: { someField: 1, other: null },
  });
  assert.deepEqual(await socket.call("defaults", { value: {} }), { count: 0, five: 5, option: null, list: [] });
  assert.deepEqual(await socket.call("defaults", { value: { count: 1, five: 2, option: "x", list: [3] } }), {
    count: 1,
    five: 2,
    option: "x",
    list: [3],
  });
});

test("several fields are sent by their names on the wire", async () => {
  assert.deepEqual(await socket.call("fields", { "user-id": 2 ** 53, tags: ["a", ""], nick: "n", type: "red" }), [
    2 ** 53,
    ["a", ""],
    "n",
    "red",
  ]);
  assert.deepEqual(await socket.call("fields", { "user-id": 0, type: "darkGreen" }), [0, [], null, "darkGreen"]);
  assert.deepEqual(await socket.call("fields", { "user-id": 0, type: "darkGreen", nick: null }), [0, [], null, "darkGreen"]);
});

test("a whole payload of any type returns the value that was sent", async () => {
  assert.equal(await socket.call("wholeText", "só \0 😀"), "só \0 😀");
  assert.equal(await socket.call("wholeText", ""), "");
  assert.deepEqual(await socket.call("wholeEnum", { kind: "unit" }), { kind: "unit" });
  assert.deepEqual(await socket.call("wholeList", [1, null, -1]), [1, null, -1]);
  assert.equal(await socket.call("touch"), null);
  assert.equal(await socket.call("touch", {}), null);
});

test("an outgoing event carries all shapes", async () => {
  const random = new Random(11);
  for (let n = 0; n < 20; n++) {
    const everything: Shapes.Everything = {
      number: random.integer(-(2 ** 53), 2 ** 53),
      text: random.string(),
      maybe: random.maybe(() => random.string()),
      byName: Object.fromEntries(random.list(() => [random.string(), random.list(() => random.maybe(() => random.boolean()))])),
      person: person(random),
      adjacent: random.list(() => values.adjacent(random)),
      json: values.json(random),
    };
    const back = new Promise<Shapes.Everything>((resolve) => socket.once("sentBack", resolve));
    socket.emit("sendBack", everything);
    assert.deepEqual(await back, everything);
  }
});

/** Values that TypeScript accepts or that come from JavaScript, with the rule that the server reports. */
const wrong: [Echo, unknown, string][] = [
  ["double", Number.NaN, "type"],
  ["double", Infinity, "type"],
  ["list", [1.5], "type"],
  ["letter", "", "type"],
  ["letter", "ab", "type"],
  ["integers", { ...values.integers(new Random(1)), u8: 256 }, "type"],
  ["array", [1, 2], "type"],
  ["tuple", [1, "a"], "type"],
  ["text", null, "type"],
  ["unitVariants", "blue", "type"],
  ["internal", { kind: "none" }, "type"],
  ["nested", { fullName: "x", friends: [] }, "type"],
  ["moment", "yesterday", "type"],
  ["day", "2023-02-29", "type"],
  ["id", "no id", "type"],
  ["link", "no link", "type"],
  ["byNumber", { x: "" }, "type"],
];

test("a value of another type is rejected with its path", async () => {
  for (const [event, value, rule] of wrong) {
    const error = await echo(event, value as never).then(
      (answer) => assert.fail(`${event} took ${JSON.stringify(value)}: ${JSON.stringify(answer)}`),
      (error: CallError) => error,
    );
    assert.equal(error.code, "invalid", `${event} ${error}`);
    const { path, rule: broken } = error.details as { path: string; rule: string };
    assert.equal(path.split(/[.[]/)[0], "value");
    assert.ok([rule, "required"].includes(broken), `${event}: ${broken}`);
  }
  const error = await socket.call("fields", { type: "red" } as never).catch((error: CallError) => error);
  assert.deepEqual((error as CallError).details, {
    path: "user-id",
    rule: "required",
    message: ((error as CallError).details as { message: string }).message,
  });
});
