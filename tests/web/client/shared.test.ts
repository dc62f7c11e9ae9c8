import assert from "node:assert/strict";

import { dials } from "../support/connections";
import { fixture } from "./fixture";
import { answer, press, shows } from "./panels";

const accounts = fixture();
const { test } = accounts;

test("two components with functions as url have connections of their own, which dial once", async () => {
  const visitor = await accounts.open("#in-rooms");
  await answer(visitor, "tea", "guest in tea");
  await answer(visitor, "coffee", "guest in coffee");
  for (let renders = 1; renders <= 5; renders++) {
    await press(visitor, "Render again");
    await visitor.page.getByText(String(renders), { exact: true }).waitFor();
  }
  await answer(visitor, "tea", "guest in tea");
  assert.equal(await dials(visitor), 2);
});

test("a component that mounts after close() gets a socket that connects, and so does the first one", async () => {
  const visitor = await accounts.open("#later");
  await answer(visitor, "first", "ann in no room");
  await press(visitor, "Close first");
  await shows(visitor, "first", "closed");
  await press(visitor, "Second");
  await answer(visitor, "second", "ann in no room");
  await answer(visitor, "first", "ann in no room");
  assert.equal(await dials(visitor), 2);
});

test("after 4501 a new component does not dial with the refused token, but with another one", async () => {
  const visitor = await accounts.open("#later");
  await answer(visitor, "first", "ann in no room");
  await press(visitor, "Expire first");
  await shows(visitor, "first", "closed");
  await shows(visitor, "first", "rejected 4501 the token has expired");
  assert.equal(await dials(visitor), 1);

  await press(visitor, "Second");
  await shows(visitor, "second", "closed");
  await shows(visitor, "second", "rejected 4501 the token has expired");
  await press(visitor, "Second");
  await press(visitor, "New token");
  assert.equal(await dials(visitor), 1);
  await press(visitor, "Second");
  await answer(visitor, "second", "ann in no room");
  await answer(visitor, "first", "ann in no room");
  assert.equal(await dials(visitor), 2);
});
