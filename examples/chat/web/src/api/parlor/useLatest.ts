// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { useInsertionEffect, useRef } from "react";

/** Returns a reference to the value of the latest committed render, for functions that run later. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
