// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { get, writable } from "svelte/store";

import type { Close, Socket } from "../../src/client.js";
import { useCall, useConnection, useEvent } from "../../src/svelte.js";
import type { Chat } from "../support/contract.js";

const socket = writable<Socket<Chat> | null>(null);

export function initialise(given: Socket<Chat> | null) {
  useEvent(socket, "newMessage", ({ text }) => text.length);
  useEvent(given, "disconnect", ({ code }) => code.toFixed());
  // @ts-expect-error no such event
  useEvent(socket, "newMesage", () => {});

  const joining = useCall(socket, "joinRoom");
  const { data, error, pending } = get(joining);
  data satisfies string[] | undefined;
  pending satisfies boolean;
  if (error?.code === "refused") error.details satisfies Chat.JoinError;
  joining.cancel();
  void joining.call({ room: "a" }, { timeout: 5 }).then((result) => result.ok && (result.value satisfies string[]));
  // @ts-expect-error the payload is missing
  void joining.call();
  // @ts-expect-error an event without an answer is not a call
  useCall(given, "sendMessage");
  // @ts-expect-error the store is read only
  joining.set;

  const { connected, lastClose } = get(useConnection(given));
  connected satisfies boolean;
  lastClose satisfies Close | undefined;
}
