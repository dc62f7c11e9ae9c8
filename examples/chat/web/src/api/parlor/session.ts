// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { EndCall } from "./calls";
import type { Unrecovered } from "./contract";
import type { Message } from "./message";
import type { Welcome } from "./welcome";

/** The limits of frames in flight: their number, and their bytes. */
const maxInFlight = 4096;
const maxInFlightBytes = 1 << 18;

/** An `$ack` is due after this many counted messages, or this many characters of them. */
const ackEvery = 512;
const ackEveryLength = 1 << 15;

/** The names of uncounted frames. */
const uncounted = /^(\$(welcome|ack|contract\??)|p[io]ng)$/;

/** The known reasons in a welcome whose session was not recovered. */
const reasons = /^(expired|overflow|evicted|ended|identity|mismatch)$/;

/** An encoded event or call. */
export interface Frame {
  event: string;
  text: string;
  /** The length of `text` in bytes of UTF-8. */
  bytes: number;
  /** The id of the call; 0 for an event. */
  id: number;
  /** Ends the call; undefined for an event. */
  end: EndCall | undefined;
}

/** The client's half of a session: its resume secret, its counts, and its frames in flight. */
export interface Session {
  /** The subprotocol that requests a resume; undefined without a resume secret. */
  resumeProtocol(): string | undefined;
  /**
   * Attaches a new connection, and replays the frames in flight over it if the session is recovered.
   *
   * @returns why the session is not recovered, if so, and the frames that are lost with it
   */
  attach(
    welcome: Welcome,
    send: (text: string) => void,
  ): [reason: Unrecovered | undefined, lost: Frame[]];
  /** Puts a counted frame in flight; false if a limit is reached. The caller sends it. */
  track(frame: Frame): boolean;
  /**
   * Counts a message of `length` characters, and applies it if it is an `$ack`. Sends an `$ack` if one
   * is due.
   */
  receive(message: Message | undefined, length: number): void;
  /** Sends an `$ack`, unless all messages are acknowledged. */
  ack(): void;
  /** Drops the session. Returns its frames in flight. */
  end(): Frame[];
}

/** Creates a session without a resume secret. */
export function createSession(): Session {
  /** The resume secret; undefined if the server keeps no sessions, empty after `end`. */
  let secret: string | undefined;
  let received = 0;
  /** The received messages that are not acknowledged: their number, and their characters. */
  let unacked = 0;
  let unackedLength = 0;
  /** The number of frames that the server has confirmed. */
  let confirmed = 0;
  const inFlight: Frame[] = [];
  let inFlightBytes = 0;
  /** Sends over the attached connection. */
  let send: (text: string) => void;

  const ack = () => {
    unacked = unackedLength = 0;
    send(`["$ack",${received}]`);
  };
  /** Returns false for a count that is impossible. */
  const confirm = (count: unknown) => {
    const added = (count as number) - confirmed;
    // Undefined also for more than was sent, and for what is not an integer.
    if (!inFlight[added - 1]) return added === 0;
    for (const frame of inFlight.splice(0, added)) inFlightBytes -= frame.bytes;
    confirmed += added;
    return true;
  };
  const clear = () => {
    inFlightBytes = 0;
    return inFlight.splice(0);
  };
  return {
    resumeProtocol: () => secret && `parlor.resume.${secret}.${received}`,
    attach({ resume, received: count, recovered, reason }, sendOver) {
      send = sendOver;
      let unrecovered = (
        secret ? (reasons.exec(reason as string)?.[0] ?? "unknown") : secret === "" ? "ended" : "off"
      ) as Unrecovered | undefined;
      if (secret && recovered) {
        unrecovered = confirm(count) ? undefined : "mismatch";
        // The server continues from its own count, although it is impossible.
        if (unrecovered) confirmed = count as number;
        ack();
      } else received = confirmed = unacked = unackedLength = 0;
      const lost = unrecovered ? clear() : [];
      for (const { text } of inFlight) send(text);
      secret = /^[\w-]{22}$/.exec(resume as string)?.[0];
      return [unrecovered, lost];
    },
    track(frame) {
      if (secret && !uncounted.test(frame.event)) {
        if (inFlight.length >= maxInFlight || inFlightBytes >= maxInFlightBytes) return false;
        inFlight.push(frame);
        inFlightBytes += frame.bytes;
      }
      return true;
    },
    receive([name, count]: Message = [""], length) {
      if (name === "$ack") confirm(count);
      if (secret && !uncounted.test(name)) {
        received++;
        unackedLength += length;
        if (++unacked >= ackEvery || unackedLength >= ackEveryLength) ack();
      }
    },
    ack() {
      if (unacked) ack();
    },
    end() {
      secret &&= "";
      return clear();
    },
  };
}
