// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { shallowRef, type ComputedRef } from "vue";

import type { Close, Socket } from "../../src/client.js";
import { useCall, useConnection, useEvent } from "../../src/vue.js";
import type { Chat } from "../support/contract.js";

const socket = shallowRef<Socket<Chat> | null>(null);

export function setup(given: Socket<Chat>) {
  useEvent(socket, "newMessage", ({ text }) => text.length);
  useEvent(() => socket.value, "newMessage", ({ text }) => text.length);
  useEvent(given, "disconnect", ({ code }) => code.toFixed());
  // @ts-expect-error no such event
  useEvent(socket, "newMesage", () => {});

  const { data, error, pending, call, cancel } = useCall(socket, "joinRoom");
  data satisfies ComputedRef<string[] | undefined>;
  pending satisfies ComputedRef<boolean>;
  cancel();
  if (error.value?.code === "refused") error.value.details satisfies Chat.JoinError;
  void call({ room: "a" }, { timeout: 5 }).then((result) => result.ok && (result.value satisfies string[]));
  // @ts-expect-error the payload is missing
  void call();
  // @ts-expect-error an event without an answer is not a call
  useCall(socket, "sendMessage");
  // @ts-expect-error the answer is read only
  data.value = [];

  const { connected, lastClose } = useConnection(socket);
  connected.value satisfies boolean;
  lastClose.value satisfies Close | undefined;
}
