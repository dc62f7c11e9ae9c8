import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CallError, type Locked, type Rules, type Socket, type Violation } from "./api";
import { connection, sent } from "./connection";

const shared = connection();
let socket: Socket<Rules>;
before(async () => {
  await shared.ready;
  socket = shared.client.rules.$ws();
  await socket.call("polite", { value: "please" });
});
after(() => socket?.close());

type Given = { [E in keyof Rules.Incoming]: [event: E, payload: Rules.Incoming[E]] }[keyof Rules.Incoming];

const call = ([event, payload]: Given): Promise<unknown> =>
  (socket.call as (event: string, payload: unknown) => Promise<unknown>)(event, payload);

const refused = async (given: Given): Promise<CallError> => {
  const error = await call(given).then(
    () => assert.fail(`${JSON.stringify(given)} was accepted`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof CallError, String(error));
  return error;
};

const family = "👩‍👩‍👧‍👦";

test("a value that obeys the rules is accepted", async () => {
  const all: Given[] = [
    ["text", { value: "ab" }],
    ["text", { value: "abcd" }],
    // Four characters in eight UTF-16 units and sixteen bytes.
    ["text", { value: "😀😀😀😀" }],
    ["text", { value: "e\u0301" }],
    ["maybe", { value: null }],
    ["maybe", {}],
    ["maybe", { value: "ab" }],
    ["number", { value: -1 }],
    ["number", { value: 10 }],
    ["real", { value: 0.5 }],
    ["real", { value: 1.5 }],
    ["slug", { value: "a-b-cd" }],
    ["anyLetters", { value: "äxß" }],
    ["tags", { value: [] }],
    ["tags", { value: ["ab", "😀😀"] }],
    ["map", { value: { a: 1, b: 2 } }],
    ["email", { value: "ada@example.com" }],
    ["url", { value: "https://example.com/?q=1" }],
    ["whole", "abc"],
    ["whole", "😀😀😀"],
    ["polite", { value: "tea, please" }],
    ["halve", { number: 100 }],
  ];
  for (const given of all) {
    const answer = await call(given).catch((error: unknown) => assert.fail(`${JSON.stringify(given)}: ${error}`));
    assert.equal(answer, given[0] === "halve" ? 50 : null);
  }
});

test("a value that breaks a rule is not sent", async () => {
  const all: [Given, Pick<Violation, "path" | "rule" | "min" | "max">][] = [
    [["text", { value: "a" }], { path: "value", rule: "length", min: 2, max: 4 }],
    [["text", { value: "abcde" }], { path: "value", rule: "length", min: 2, max: 4 }],
    // One character in two UTF-16 units, and what looks like one but is seven.
    [["text", { value: "😀" }], { path: "value", rule: "length", min: 2, max: 4 }],
    [["text", { value: family }], { path: "value", rule: "length", min: 2, max: 4 }],
    [["maybe", { value: "a" }], { path: "value", rule: "length", min: 2 }],
    [["number", { value: -2 }], { path: "value", rule: "range", min: -1, max: 10 }],
    [["number", { value: 11 }], { path: "value", rule: "range", min: -1, max: 10 }],
    [["real", { value: 1.5000001 }], { path: "value", rule: "range", min: 0.5, max: 1.5 }],
    [["slug", { value: "A" }], { path: "value", rule: "pattern" }],
    [["slug", { value: "a-" }], { path: "value", rule: "pattern" }],
    [["slug", { value: "a\n" }], { path: "value", rule: "pattern" }],
    [["tags", { value: ["ab", "ab", "ab"] }], { path: "value", rule: "length", max: 2 }],
    [["tags", { value: ["ab", "😀"] }], { path: "value[1]", rule: "length", min: 2, max: 2 }],
    [["map", { value: {} }], { path: "value", rule: "length", min: 1, max: 2 }],
    [["map", { value: { a: 1, b: 2, c: 3 } }], { path: "value", rule: "length", min: 1, max: 2 }],
    [["email", { value: "ada" }], { path: "value", rule: "email" }],
    [["url", { value: "example" }], { path: "value", rule: "url" }],
    [["whole", ""], { path: "", rule: "length", min: 1, max: 3 }],
    [["whole", "abcd"], { path: "", rule: "length", min: 1, max: 3 }],
  ];
  const before = sent.length;
  for (const [given, violation] of all) {
    const error = await refused(given);
    assert.equal(error.code, "invalid");
    const { path, rule, min, max } = error.details as Violation;
    assert.deepEqual(JSON.parse(JSON.stringify({ path, rule, min, max })), violation, JSON.stringify(given));

    // An event with the value is an `error` event.
    const reported = new Promise<string | undefined>((resolve) => socket.once("error", ({ event }) => resolve(event)));
    assert.equal((socket.emit as (event: string, payload: unknown) => boolean)(given[0], given[1]), false);
    assert.equal(await reported, given[0]);
  }
  assert.deepEqual(sent.slice(before), []);
});

test("the server reports the same violation to a client that does not check", async () => {
  const raw = new (await import("ws")).WebSocket(`ws://${shared.server.address}/api/rules`, ["parlor.v1.json"]);
  try {
    const answers = new Map<number, { code: string; details: Violation }>();
    let answered = () => {};
    raw.on("message", (data) => {
      const [name, payload, id] = JSON.parse(String(data));
      if (name === "$err") answers.set(id, payload);
      answered();
    });
    await new Promise((resolve) => raw.once("message", resolve));
    const broken: Given[] = [
      ["text", { value: "😀" }],
      ["text", { value: family }],
      ["slug", { value: "a\n" }],
      ["tags", { value: ["ab", "😀"] }],
      ["map", { value: {} }],
      ["email", { value: "ada" }],
      ["url", { value: "example" }],
      ["whole", "abcd"],
    ];
    for (const [id, [event, payload]] of broken.entries()) raw.send(JSON.stringify([event, payload, id]));
    while (answers.size < broken.length) await new Promise<void>((resolve) => (answered = resolve));
    for (const [id, given] of broken.entries()) {
      const local = (await refused(given)).details as Violation;
      const { code, details } = answers.get(id)!;
      assert.equal(code, "invalid");
      assert.deepEqual([details.path, details.rule], [local.path, local.rule], JSON.stringify(given));
    }
  } finally {
    raw.terminate();
  }
});

test("a rule that only the server checks is reported by the server", async () => {
  for (const given of [
    ["polite", { value: "tea!" }],
    ["anyLetters", { value: "123" }],
  ] satisfies Given[]) {
    const before = sent.length;
    const error = await refused(given as Given);
    assert.equal(sent.length, before + 1);
    assert.equal(error.code, "invalid");
    assert.equal((error.details as Violation).path, "value");
  }
});

test("an error of the server has its type", async () => {
  const halve = async (number: number): Promise<Rules.Errors["halve"]> => {
    const error = await refused(["halve", { number }]);
    assert.equal(error.code, "refused");
    return error.details as Rules.Errors["halve"];
  };
  assert.deepEqual(await halve(7), { reason: "odd" });
  const tooLarge = await halve(1000);
  assert.deepEqual(tooLarge, { reason: "tooLarge", max: 100, nearest: null });
  if (tooLarge.reason === "tooLarge") assert.equal(tooLarge.max - 50, 50);
});

test("a server that rejects every connection gives the reason and is not dialled again", async () => {
  const dialled = sent.length;
  const locked: Socket<Locked> = shared.client.locked.$ws({ reconnectInterval: 1 });
  locked.on("error", () => {});
  const lost = await new Promise<object>((resolve) => locked.on("disconnect", resolve));
  assert.deepEqual(lost, { code: 4501, reason: "no client has the key", cause: "rejected", willReconnect: false });
  assert.equal(locked.status, "closed");
  assert.equal(sent.length, dialled);
});
