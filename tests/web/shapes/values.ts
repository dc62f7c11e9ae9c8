import type { Shapes } from "./api";
import { Random } from "./random";

/** The calls that answer with the `value` that they are given. */
export type Echo = {
  [E in keyof Shapes.Incoming]: Shapes.Incoming[E] extends { value?: unknown } ? E : never;
}[Exclude<keyof Shapes.Incoming, "touch" | "defaults">];

export type Value<E extends Echo> = Exclude<Shapes.Incoming[E]["value"], undefined>;

/** The largest number up to which all integers are exact. */
const exact = 2 ** 53;
const days = 24 * 3600 * 1000;

const color = (random: Random): Shapes.Color => random.of(["red", "darkGreen", 'light blue "#9cf"']);

const address = (random: Random): Shapes.Address => ({
  lines: random.list(() => random.string()),
  country: random.maybe(() => random.string()),
});

export const person = (random: Random, depth = 2): Shapes.Person => ({
  fullName: random.string(),
  address: address(random),
  friends: depth > 0 ? random.list(() => person(random, depth - 1), 2) : [],
});

const page = <T>(random: Random, make: () => T): Shapes.Page<T> => ({
  items: random.list(make),
  next: random.maybe(() => random.string()),
  first: random.maybe(make),
});

const pair = (random: Random): Shapes.Pair => [random.integer(0, 255), random.maybe(() => random.string())];

const tree = (random: Random, depth = 3): Shapes.Tree => ({
  value: random.integer(-(2 ** 31), 2 ** 31 - 1),
  children: depth > 0 ? random.list(() => tree(random, depth - 1), 2) : [],
});

const internal = (random: Random, depth = 2): Shapes.Internal => {
  const kind = random.of(["unit", "new", "struct"] as const);
  if (kind === "new") return { kind, ...address(random) };
  if (kind === "unit") return { kind };
  return {
    kind,
    someField: random.integer(-exact, exact),
    other: depth > 0 ? random.maybe(() => internal(random, depth - 1)) : null,
  };
};

const adjacent = (random: Random): Shapes.Adjacent => {
  const kind = random.of(["unit", "new", "tuple", "struct"] as const);
  switch (kind) {
    case "unit":
      return { kind };
    case "new":
      return { kind, value: random.integer(-1000, 1000) / 8 };
    case "tuple":
      return { kind, value: [random.integer(0, 255), random.maybe(() => random.string())] };
    case "struct":
      return { kind, value: { someField: random.integer(0, 255) } };
  }
};

const json = (random: Random, depth = 3): Shapes.JsonValue => {
  const kind = random.of(["null", "boolean", "integer", "string", "list", "object"] as const);
  switch (depth > 0 ? kind : "null") {
    case "boolean":
      return random.boolean();
    case "integer":
      return random.integer(-exact, exact);
    case "string":
      return random.string();
    case "list":
      return random.list(() => json(random, depth - 1));
    case "object":
      return Object.fromEntries(random.list(() => [`k${random.string()}`, json(random, depth - 1)]));
    default:
      return null;
  }
};

const entries = <T>(random: Random, key: () => string | number, make: () => T): Record<string, T> =>
  Object.fromEntries(random.list(() => [key(), make()]));

/** A random value for each call. `tsc` checks that all calls of the contract are listed, with their types. */
export const values: { [E in Echo]: (random: Random) => Value<E> } = {
  integers: (random) => ({
    u8: random.integer(0, 2 ** 8 - 1),
    i8: random.integer(-(2 ** 7), 2 ** 7 - 1),
    u16: random.integer(0, 2 ** 16 - 1),
    i16: random.integer(-(2 ** 15), 2 ** 15 - 1),
    u32: random.integer(0, 2 ** 32 - 1),
    i32: random.integer(-(2 ** 31), 2 ** 31 - 1),
    u64: random.integer(0, exact),
    i64: random.integer(-exact, exact),
    u128: random.integer(0, exact),
    i128: random.integer(-exact, exact),
    usize: random.integer(0, exact),
  }),
  double: (random) => random.double(),
  // Exact in 32 bits, and with few digits.
  single: (random) => random.integer(-(2 ** 12), 2 ** 12) / 8,
  flag: (random) => random.boolean(),
  letter: (random) => random.character(),
  text: (random) => random.string(200),
  unit: () => null,
  maybe: (random) => random.maybe(() => random.string()),
  list: (random) => random.list(() => random.integer(-exact, exact), 50),
  lists: (random) => random.list(() => random.list(() => random.maybe(() => random.string()))),
  tuple: (random) => [random.integer(0, 255), random.string(), random.boolean()],
  array: (random) => [random.integer(-9, 9), random.integer(-9, 9), random.integer(-(2 ** 31), 2 ** 31 - 1)],
  // In the order in which a `BTreeSet` has them: that of UTF-8.
  set: (random) =>
    [...new Set(random.list(() => random.string(3)))].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  // One element at most: a `HashSet` has no order.
  hashSet: (random) => random.list(() => random.integer(0, 2 ** 32 - 1), 1),
  byName: (random) => entries(random, () => random.string(), () => random.integer(-800, 800) / 8),
  byNumber: (random) => entries(random, () => random.integer(0, 2 ** 32 - 1), () => random.string()),
  byInteger: (random) => entries(random, () => random.integer(-exact, exact), () => random.boolean()),
  byColor: (random) => entries(random, () => color(random), () => random.integer(0, 255)),
  nested: (random) => person(random),
  generic: (random) => page(random, () => person(random, 1)),
  genericTwice: (random) => page(random, () => page(random, () => random.integer(0, 255))),
  newtype: (random) => random.integer(-800, 800) / 8,
  tupleStruct: pair,
  unitStruct: () => null,
  unitVariants: color,
  external: (random) =>
    random.of<() => Shapes.External>([
      () => "unit",
      () => ({ new: pair(random) }),
      () => ({ tuple: [random.integer(0, 255), random.maybe(() => random.string())] }),
      () => ({
        struct: { someField: random.integer(0, 255), other: random.maybe(() => random.integer(0, 255)) },
      }),
    ])(),
  internal: (random) => internal(random),
  adjacent,
  untagged: (random) =>
    random.of<() => Shapes.Untagged>([
      () => random.integer(-exact, exact),
      () => random.string(),
      () => [random.boolean(), random.integer(0, 255)],
      () => ({ someField: random.boolean() }),
      () => null,
    ])(),
  renamed: (random) => ({
    FIRST_NAME: random.string(),
    "it's \"odd\" \\": random.integer(0, 255),
    "$dollar-ä": random.maybe(() => random.boolean()),
    TYPE: color(random),
  }),
  flat: (random) => ({ ...address(random), own: random.integer(0, 255) }),
  boxed: (random) => tree(random),
  shared: (random) => person(random, 1),
  // As chrono writes it: without a fraction that is 0.
  moment: (random) =>
    new Date(random.integer(-25_000 * days, 25_000 * days)).toISOString().replace(".000Z", "Z"),
  day: (random) => new Date(random.integer(-25_000, 25_000) * days).toISOString().slice(0, 10),
  id: (random) =>
    "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () => random.integer(0, 15).toString(16)),
  link: (random) => new URL(`https://example.com/${encodeURIComponent(random.string())}?q=1#end`).href,
  json: (random) => json(random),
};
