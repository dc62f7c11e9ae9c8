/** The most events that a loop may have pending. */
const capacity = 1024;

/**
 * The iterator of one `for await` loop over the events that `subscribe` passes to its argument, up to
 * the first undefined. `subscribe` returns a function that unsubscribes.
 *
 * @param ended whether there are no events
 */
export function createIterator<E extends object>(
  subscribe: (push: (event: E | undefined) => void) => () => void,
  ended: boolean,
): AsyncIterator<E, undefined> {
  let events: E[] = [];
  let waiters: (() => void)[] = [];
  const end = () => {
    ended = true;
    unsubscribe();
    wake();
  };
  const wake = () => {
    for (const resolve of waiters) resolve();
    waiters = [];
  };
  const unsubscribe = subscribe((event) => {
    if (event && events.push(event) <= capacity) wake();
    else end();
  });
  if (ended) end();
  const iterator: AsyncIterator<E, undefined> = {
    async next() {
      while (!events.length && !ended) await new Promise<void>((resolve) => waiters.push(resolve));
      if (events.length > capacity) throw new Error(`more than ${capacity} events pending`);
      const value = events.shift();
      return { done: !value, value } as IteratorResult<E, undefined>;
    },
    return() {
      events = [];
      end();
      return iterator.next();
    },
  };
  return iterator;
}
