// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

export * from "./parlor/client";

/** The procedures by their paths under `/api`. */
export interface AppRouter {
  chat: Shapes & {
    wsChat: Chat;
  };
  "support-chat": Chat;
}

/**
 * A chat with rooms.
 *
 * It has more than one line of docs, *\/ and a "quote".
 */
export interface Chat {
  incoming: Chat.Incoming;
  outgoing: Chat.Outgoing;
  answers: Chat.Answers;
  errors: Chat.Errors;
}

export namespace Chat {
  /** The events that clients send. */
  export interface Incoming {
    /** Says `text` to everyone in `room`. */
    sendMessage: {
      room: string;
      /**
       * What is said.
       *
       * From 1 to 1000 characters.
       */
      text: string;
    };
    /** Enters `room`. Returns the users in it. */
    joinRoom: { room: string };
    leaveRoom: { room: string };
    /** Asks for nothing, and is answered with nothing. */
    touch: Record<string, never>;
    /** @deprecated use `send_message` */
    say: { text: string };
  }

  /** What the server sends. */
  export interface Outgoing {
    newMessage: Message;
    userJoined: {
      room: string;
      userId: string;
      nick: string | null;
    };
    "it's \"left\"\n": { "user-id": number };
  }

  /** The answers to calls. */
  export interface Answers {
    joinRoom: Array<string>;
    touch: null;
  }

  /** The typed errors of calls. */
  export interface Errors {
    joinRoom: JoinError;
  }

  /** Why a user cannot enter. */
  export type JoinError =
    | { error: "noEntry"; message: string; retryAfter: number | null }
    | { error: "full" };

  /** What people say. */
  export type Message = {
    /** Where it was said. */
    room: string;
    text: string;
    userId: string;
    /** In ms since 1970. Not *\/ the end. */
    timestamp: number;
    replyTo: Message | null;
  };
}

/** Every shape that serde knows. */
export interface Shapes {
  incoming: Shapes.Incoming;
  outgoing: Shapes.Outgoing;
  answers: Shapes.Answers;
  errors: Shapes.Errors;
}

export namespace Shapes {
  /** The events that clients send. */
  export interface Incoming {
    numbers: {
      small: number;
      large: number;
      /** From -0.5 to 5000000000. */
      real: number;
      /** At most 0.1. */
      rounded: number;
      flag: boolean;
      letter: string;
    };
    absent: {
      option?: string | null;
      default?: Array<number>;
      /** At most 10 elements. Each: Exactly 2 characters. */
      both?: Array<string> | null;
    };
    strings: {
      /** An email address. */
      email: string;
      /** A URL. */
      url: string;
      /** Matches `^[a-z0-9]+(-[a-z0-9]+)*$`. */
      slug: string;
      /** Matches `^\w+$`. Checked by the server only. */
      word: string;
      /** Has a further rule, checked by the server only. */
      polite: string;
      /** From 1 to 2 elements. */
      set: Array<string>;
    };
    /**
     * The text is the whole message.
     *
     * At least 1 character.
     */
    whole: string;
    /** Its types have another form than the answer of `whole`. */
    send: {
      page: PageInput<EverywhereInput>;
      all: { [key in Kind]?: Array<ExternalInput> };
    };
  }

  /** What the server sends. */
  export interface Outgoing {
    containers: {
      tuple: [number, string | null];
      array: [number, number, number];
      map: { [key in string]: Named };
      by_kind: { [key in Kind]?: number };
      nested: Array<Array<Pair> | null>;
      json: JsonValue;
    };
    enums: {
      external: External;
      adjacent: Adjacent;
      untagged: Untagged;
      kind: Kind;
      tree: Tree;
    };
    others: {
      when: string;
      day: string;
      id: string;
      link: string;
      meters: Meters;
      through: Through;
      transparent: Transparent;
      nothing: Nothing;
      renamed: OtherKind;
      tagged: Tagged;
    };
  }

  /** The answers to calls. */
  export interface Answers {
    numbers: [number, string];
    absent: number | null;
    whole: Page<Everywhere>;
  }

  /** The typed errors of calls. */
  export interface Errors {}

  export type Adjacent =
    | { kind: "unit" }
    | { kind: "new"; value: Named }
    | { kind: "struct"; value: { someField: number } };

  export type Everywhere = {
    "it's \"quoted\"\\": string;
    type: string;
    duration: number;
    mayNotBeAbsent: number | null;
    mayBeAbsent: number;
    mayBeLeftOut?: Array<number>;
    isNotRead: number;
    written: number | null;
    "étéIndien": number;
    FIRST_NAME: string;
  };

  /** `Everywhere` as clients send it. */
  export type EverywhereInput = {
    "it's \"quoted\"\\": string;
    type: string;
    duration: number;
    mayNotBeAbsent: number | null;
    mayBeAbsent?: number;
    mayBeLeftOut?: Array<number>;
    isLeftOut?: number | null;
    read?: number | null;
    "étéIndien": number;
    FIRST_NAME: string;
  };

  export type External =
    | "unit"
    | { new: Pair }
    | { tuple: [number, string | null] }
    | { struct: { someField: number; other: number | null } }
    | { "été": { "où": number } };

  /** `External` as clients send it. */
  export type ExternalInput =
    | "unit"
    | { new: Pair }
    | { tuple: [number, string | null] }
    | { struct: { someField: number; other?: number | null } }
    | { "été": { "où": number } };

  export type JsonValue =
    | number
    | string
    | boolean
    | Array<JsonValue>
    | { [key in string]: JsonValue }
    | null;

  export type Kind = "first" | "secondOne" | "third \"3\"";

  export type Meters = number;

  export type Named = { FIRST_NAME: string };

  export type Nothing = null;

  export type OtherKind = { value: number };

  export type Page<T> = {
    items: Array<T>;
    next: string | null;
  };

  /** `Page` as clients send it. */
  export type PageInput<T> = {
    items: Array<T>;
    next?: string | null;
  };

  export type Pair = [number, string | null];

  /** Not every variant has the tag. */
  export type Tagged = { kind: "one"; value: number } | Named;

  export type Through = { FIRST_NAME: string };

  export type Transparent = Array<number>;

  /** It has itself in it. */
  export type Tree = {
    value: number;
    children: Array<Tree>;
  };

  export type Untagged = number | string | { someField: boolean };
}
