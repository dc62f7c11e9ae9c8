// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { connect, type Directions, type Rules, type Shapes } from "../shapes/api";

const socket = connect<Shapes>("/api/shapes");
const rules = connect<Rules>("/api/rules");

// Absent, null and neither
socket.emit("maybe");
socket.emit("maybe", { value: null });
socket.emit("fields", { "user-id": 1, type: "red" });
// @ts-expect-error null is only for what may be null
socket.emit("text", { value: null });
// @ts-expect-error and a default is taken only for what is absent
socket.emit("fields", { "user-id": 1, type: "red", tags: null });
// @ts-expect-error fields have the names of the wire
socket.emit("fields", { userId: 1, type: "red" });
// @ts-expect-error an element may not be null
socket.emit("list", { value: [1, null] });
// @ts-expect-error here it may be null, not absent
socket.emit("tuple", { value: [1, "a"] });

// Numbers, lists and maps
// @ts-expect-error JSON has no bigint
socket.emit("integers", { value: { ...({} as Shapes.Integers), u64: 1n } });
// @ts-expect-error a date is a string on the wire
socket.emit("moment", { value: new Date() });
// @ts-expect-error one element too many
socket.emit("array", { value: [1, 2, 3, 4] });
// @ts-expect-error a map is an object
socket.emit("byName", { value: new Map([["a", 1]]) });
// @ts-expect-error a set is an array
socket.emit("set", { value: new Set(["a"]) });
// @ts-expect-error a key that is no color
socket.emit("byColor", { value: { blue: 1 } });

// Structs, generic ones and enums
// @ts-expect-error a field inside is missing
socket.emit("nested", { value: { fullName: "Ada", friends: [] } });
// @ts-expect-error a page of something else
socket.emit("generic", { value: { items: [1] } });
// @ts-expect-error no such variant
socket.emit("unitVariants", { value: "blue" });
// @ts-expect-error a variant with content
socket.emit("external", { value: "new" });
// @ts-expect-error two variants at once
const both: Shapes.Adjacent = { kind: "unit", value: 1 };
// @ts-expect-error the content of another variant
socket.emit("adjacent", { value: { kind: "new", value: { someField: 1 } } });
// @ts-expect-error a tag in another case
socket.emit("internal", { value: { kind: "Unit" } });
// @ts-expect-error renamed
socket.emit("renamed", { value: { firstName: "Ada" } });
// @ts-expect-error flattened
socket.emit("flat", { value: { own: 1, address: { lines: [] } } });
// @ts-expect-error the payload itself is the text
socket.emit("wholeText", { text: "a" });
// @ts-expect-error no fields
socket.emit("touch", { value: 1 });

// What clients send, and what the server sends
const directions = connect<Directions>("/api/directions");
directions.emit("allDefaults", { value: {} });
// @ts-expect-error a default is taken only for what is absent
directions.emit("allDefaults", { value: { volume: null } });
// @ts-expect-error it has no default
directions.emit("defaults", { value: {} });
// @ts-expect-error the server sends it
directions.emit("oneWay", { value: { id: 1, password: "secret", name: "Ada" } });
// @ts-expect-error the server reads another name
directions.emit("twoNames", { value: { userId: 1, text: "b", same: true } });
// @ts-expect-error only the server sends this variant
directions.emit("internal", { value: { kind: "answered", text: "" } });
// @ts-expect-error the element in the middle has no default
directions.emit("tuple", { value: [1] });

export async function forms(): Promise<Directions.Nested> {
  const input: Directions.NestedInput = { inner: { settings: {}, all: [] }, page: { items: [] } };
  const nested = await directions.call("nested", { value: input });
  nested.inner.settings.volume.toFixed();
  // What the server sent can be sent back.
  directions.emit("nested", { value: nested });
  const omitted = await directions.call("omitted", { value: { count: 1 } });
  // @ts-expect-error the server may leave it out
  omitted.count.toFixed();
  const oneWay = await directions.call("oneWay", { value: { password: "secret", name: "Ada" } });
  oneWay.id.toFixed();
  // @ts-expect-error only clients send it
  oneWay.password.trim();
  const options = await directions.call("options", { value: { required: null } });
  options.leftOut?.trim();
  const kept: string | undefined = options.leftOut;
  // @ts-expect-error it may be null
  options.plain.trim();
  const internal = await directions.call("internal", { value: { kind: "in" } });
  // @ts-expect-error the server does not send this variant
  if (internal.kind === "ask") return nested;
  // @ts-expect-error what clients send lacks fields that the server always sends
  const output: Directions.Nested = input;
  void [kept, output];
  return nested;
}

export async function answers(): Promise<void> {
  const page: Shapes.Page<Shapes.Person> = await socket.call("generic", { value: { items: [] } });
  page.items[0]?.address.country?.trim();
  // @ts-expect-error it may be null
  page.first.fullName.trim();
  const answer = await socket.call("internal", { value: { kind: "unit" } });
  // @ts-expect-error only some variants have it
  answer.someField.toFixed();
  if (answer.kind === "struct") answer.someField.toFixed();
  const nothing: null = await socket.call("touch");
  // @ts-expect-error null is no number
  const something: number = await socket.call("touch");
  const [id, tags, nick, color]: [number, string[], string | null, Shapes.Color] = await socket.call("fields", {
    "user-id": 1,
    type: "red",
  });
  void [nothing, something, id, tags, nick, color];
}

socket.on("sentBack", (everything) => {
  everything.byName["a"]?.[0]?.valueOf();
  // @ts-expect-error it may be null
  everything.maybe.trim();
});

export const nearest = (refusal: Rules.Errors["halve"]): number | null | undefined => {
  // @ts-expect-error not every refusal has it
  refusal.max;
  return refusal.reason === "tooLarge" ? refusal.nearest : null;
};
// @ts-expect-error only those calls that may be refused have a refusal
export type None = Rules.Errors["text"];
// @ts-expect-error no outgoing events at all
rules.on("anything", () => {});
void both;
