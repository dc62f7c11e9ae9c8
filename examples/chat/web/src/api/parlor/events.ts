// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Contract, OutgoingEvent, SocketMembers } from "./contract";

/** The most events that a loop may have pending. */
const capacity = 1024;

/**
 * The events that the server sends, for a `for await` loop: from its start until the socket is closed or
 * the loop is left. A loop with more than 1024 events pending throws. When the identity changes, those that are
 * pending are dropped.
 *
 * ```ts
 * for await (const { event, data } of events(socket)) ..
 * ```
 */
export const events = <C extends Contract>(socket: SocketMembers<C>): AsyncIterable<OutgoingEvent<C>> => ({
  [Symbol.asyncIterator]: () => createIterator(socket),
});

function createIterator<C extends Contract>(
  socket: SocketMembers<C>,
): AsyncIterator<OutgoingEvent<C>, undefined> {
  let ended = false;
  let pending: OutgoingEvent<C>[] = [];
  let waiters: (() => void)[] = [];
  const end = () => {
    ended = true;
    offEvents();
    offStatus();
    wake();
  };
  const wake = () => {
    for (const resolve of waiters) resolve();
    waiters = [];
  };
  const offEvents = socket.onAny((event) => {
    if (pending.push(event) > capacity) end();
    wake();
  });
  const endIfClosed = () => {
    if (socket.status === "closed") end();
  };
  const offStatus = socket.subscribe(endIfClosed);
  // Also after the end, as long as events are pending.
  const offIdentity = socket.on("$identity" as never, (() => (pending = [])) as never);
  endIfClosed();
  const iterator: AsyncIterator<OutgoingEvent<C>, undefined> = {
    async next() {
      while (!pending.length && !ended) await new Promise<void>((resolve) => waiters.push(resolve));
      const isOver = pending.length > capacity;
      const value = isOver ? undefined : pending.shift();
      if (!value) offIdentity();
      if (isOver) throw new Error(`more than ${capacity} events pending`);
      return { done: !value, value } as IteratorResult<OutgoingEvent<C>, undefined>;
    },
    return() {
      pending = [];
      end();
      return iterator.next();
    },
  };
  return iterator;
}
