import type { Unrecovered } from "./contract.js";
import type { Frame, Welcome } from "./link.js";

/** How much may be under way to the server without its confirmation: frames, and bytes of them. */
const maxUnconfirmed = 4096;
const maxUnconfirmedBytes = 1 << 18;

/** After how many frames, and how much text of them, the server hears that they came. */
const maxOwed = 512;
const maxOwedLength = 1 << 15;

/** The names of frames that have no number. */
const uncounted = /^(\$(welcome|ack|contract\??)|p[io]ng)$/;

/** What a server may say of why it did not resume. */
const reasons = /^(expired|overflow|evicted|ended|identity|mismatch)$/;

/** What is sent. */
export interface Message {
  event: string;
  text: string;
  /** Its length in bytes. */
  bytes: number;
  /** Of a call; 0 for an event. */
  id: number;
}

/** How far both sides of a session got: what outlives its connections. */
export interface Session {
  /** The subprotocol that asks for it; undefined if the server does not keep it. */
  offer(): string | undefined;
  /**
   * A connection begins, in Parlor mode if there is a welcome, with what `send` is given.
   *
   * @returns why the session is not the one before, if so, and what is lost with that
   */
  begin(
    welcome: Welcome | undefined,
    send: (text: string) => void,
  ): [reason: Unrecovered | undefined, lost: Message[]];
  /** The message is to be sent: false if too much is under way already. */
  take(message: Message): boolean;
  /**
   * A frame with so much text came, which is counted or confirms what was sent. Returns the frame
   * that says how many came, or nothing if it is not time yet.
   */
  hear(frame: Frame | undefined, length: number): string;
  /** The frame that says how many came, or nothing if the server knows. */
  ack(): string;
  /** Forgets it all; returns what nobody confirmed. */
  end(): Message[];
}

/** None yet. */
export function createSession(): Session {
  let secret: string | undefined;
  /** Why there is no secret. */
  let without: Unrecovered = "off";
  let received = 0;
  /** How many of these the server was not told of, and how long they are. */
  let owed = 0;
  let length = 0;
  /** How many of those that were sent the server has; the others, and how long they are. */
  let confirmed = 0;
  const unconfirmed: Message[] = [];
  let bytes = 0;

  const ack = () => {
    owed = length = 0;
    return `["$ack",${received}]`;
  };
  const confirm = (count: unknown) => {
    const news = (count as number) - confirmed;
    // Neither more than was sent nor, as nothing else is an index, what is no number.
    if (!unconfirmed[news - 1]) return news === 0;
    for (const message of unconfirmed.splice(0, news)) bytes -= message.bytes;
    confirmed += news;
    return true;
  };
  const clear = () => {
    bytes = 0;
    return unconfirmed.splice(0);
  };
  return {
    offer: () => secret && `parlor.resume.${secret}.${received}`,
    begin({ resume, received: count, recovered, reason } = {}, send) {
      let why: Unrecovered | undefined = without;
      if (secret) why = (reasons.exec(reason as string)?.[0] ?? "unknown") as Unrecovered;
      if (secret && recovered) {
        why = confirm(count) ? undefined : "mismatch";
        // It goes on from there although it cannot be.
        if (why) confirmed = count as number;
        send(ack());
      } else received = confirmed = owed = length = 0;
      const lost = why ? clear() : [];
      for (const { text } of unconfirmed) send(text);
      secret = /^[\w-]{22}$/.exec(resume as string)?.[0];
      without = "off";
      return [why, lost];
    },
    take(message) {
      if (secret && !uncounted.test(message.event)) {
        if (unconfirmed.length >= maxUnconfirmed || bytes >= maxUnconfirmedBytes) return false;
        unconfirmed.push(message);
        bytes += message.bytes;
      }
      return true;
    },
    hear([name, count]: Frame = [""], size) {
      if (name === "$ack") confirm(count);
      if (secret && !uncounted.test(name)) {
        received++;
        length += size;
        if (++owed >= maxOwed || length >= maxOwedLength) return ack();
      }
      return "";
    },
    ack: () => (owed ? ack() : ""),
    end() {
      if (secret) without = "ended";
      secret = undefined;
      return clear();
    },
  };
}
