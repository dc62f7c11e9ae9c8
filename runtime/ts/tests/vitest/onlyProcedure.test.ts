import { expect, test, vi } from "vitest";

import { createCheck } from "../../src/check.js";
import { fakeSocket } from "../../src/testing.js";
import type { Chat } from "../support/contract.js";

// What the generator writes for a router with one procedure.
vi.mock("../../src/rules.js", () => ({
  checkRules: createCheck({ "chat/wsChat": { sendMessage: { text: [{ rule: "length", min: 1 }] } } }),
  paths: ["chat/wsChat"],
}));

test("a fake socket without a client or URL checks the rules of the only procedure", () => {
  const { socket } = fakeSocket<Chat>();
  const errors: string[] = [];
  socket.on("error", ({ code, event }) => errors.push(`${code} ${event}`));
  expect(socket.emit("sendMessage", { room: "a", text: "" })).toBe(false);
  expect(socket.emit("sendMessage", { room: "a", text: "b" })).toBe(true);
  expect(errors).toEqual(["invalid sendMessage"]);
});
