/** How many events wait for a loop. */
const bound = 1024;

/**
 * The iterator of one `for await` loop, over what `listen` hands to its argument until that is
 * undefined. `listen` returns a function that ends it.
 *
 * @param over whether there is nothing to come
 */
export function createIterator<E extends object>(
  listen: (push: (event: E | undefined) => void) => () => void,
  over: boolean,
): AsyncIterator<E, undefined> {
  let events: E[] = [];
  let takers: (() => void)[] = [];
  const end = () => {
    over = true;
    unlisten();
    wake();
  };
  const wake = () => {
    for (const take of takers) take();
    takers = [];
  };
  const unlisten = listen((event) => {
    if (event && events.push(event) <= bound) wake();
    else end();
  });
  if (over) end();
  const iterator: AsyncIterator<E, undefined> = {
    async next() {
      while (!events.length && !over) await new Promise<void>((take) => takers.push(take));
      if (events.length > bound) throw new Error("the loop is too slow");
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
