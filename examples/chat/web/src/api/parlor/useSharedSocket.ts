// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { useEffect, useInsertionEffect, useRef, useState, useSyncExternalStore } from "react";

import type { Procedure } from "./client";
import { connectionKey, identityOf, type ConnectionSettings } from "./connectionKey";
import type { Contract, Socket } from "./contract";
import type { Options, Target } from "./options";
import { acquireSocket, type SocketReference } from "./sharedSockets";
import { neverChanges } from "./useConnection";

/** What a component connects to, and how. */
export interface SharedSocketSettings<C extends Contract> {
  enabled: boolean;
  /** The URL, if there is no client. */
  target: Target | undefined;
  client: Procedure<C> | undefined;
  /** The name that makes the functions of several components equal. */
  key: string | undefined;
  /** The options beside those of the client. */
  options: Options;
}

let lastId = 0;

/**
 * Returns a new id. React's `useId` is not unique: it repeats in two roots that hydrate the HTML of a
 * server.
 */
const newId = () => `component ${++lastId}`;

/** The identity in server rendering, which has no access to the storage of a browser. */
const unknownIdentity = Symbol("unknown identity");

/** Returns the options that are not undefined. */
const defined = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/**
 * Acquires the shared socket of the settings in an effect, and releases it in its cleanup. Does nothing
 * without settings.
 */
export function useSharedSocket<C extends Contract>(given: SharedSocketSettings<C> | undefined) {
  const [component] = useState(newId);
  const { enabled = false, client, target = client?.$url ?? "", key: name, options: own = {} } = given ?? {};
  const shared = client?.$options ?? {};
  const options = { ...defined(shared), ...defined(own) } as Options;
  const identity = useSyncExternalStore<ConnectionSettings["identity"] | typeof unknownIdentity>(
    neverChanges,
    () => identityOf(options),
    () => unknownIdentity,
  );
  const settings: ConnectionSettings | undefined =
    identity === unknownIdentity
      ? undefined
      : { key: enabled ? connectionKey(target, options, component, name, shared) : null, target, options, identity };
  /** What identifies the connection; null without one. */
  const id = settings && settings.key !== null ? JSON.stringify([settings.key, settings.identity]) : null;

  const latest = useRef(settings);
  const acquired = useRef<{ id: string; reference: SocketReference<C> } | null>(null);
  const [shown, setShown] = useState<{ id: string; socket: Socket<C> } | null>(null);

  useInsertionEffect(() => {
    latest.current = settings;
    if (settings && acquired.current?.id === id) acquired.current.reference.update(settings);
  });
  useEffect(() => {
    if (id === null) return undefined;
    const reference = acquireSocket<C>(latest.current as ConnectionSettings);
    acquired.current = { id, reference };
    setShown({ id, socket: reference.socket });
    return () => {
      acquired.current = null;
      reference.release(latest.current as ConnectionSettings);
      // A hidden `<Activity>` still renders, and keeps its state until it is visible again.
      setShown(null);
    };
  }, [id]);

  return {
    id,
    /** The socket of the last effect, which may not be rendered yet. */
    current: () => acquired.current && acquired.current.reference.socket,
    // The socket of an earlier id is closed, or belongs to another identity.
    socket: shown && shown.id === id ? shown.socket : null,
  };
}
