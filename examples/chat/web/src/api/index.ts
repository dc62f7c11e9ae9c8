// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

export * from "./parlor/client";

/** The procedures by their paths under `/`. */
export interface AppRouter {
  chat: {
    wsChat: Chat;
  };
}

/** A chat with rooms. */
export interface Chat {
  incoming: Chat.Incoming;
  outgoing: Chat.Outgoing;
  answers: Chat.Answers;
  errors: Chat.Errors;
}

export namespace Chat {
  /** The events that clients send. */
  export interface Incoming {
    /** Sends `text` to everyone in `room`. */
    sendMessage: {
      room: string;
      /** From 1 to 1000 characters. */
      text: string;
    };
    /** Joins `room`. Returns its members. */
    joinRoom: { room: string };
    /** Leaves `room`. */
    leaveRoom: { room: string };
  }

  /** What the server sends. */
  export interface Outgoing {
    /** A message in a room. */
    newMessage: {
      room: string;
      text: string;
      userId: string;
      timestamp: number;
    };
    /** A user joined a room. */
    userJoined: {
      room: string;
      userId: string;
    };
    /** A user left a room. */
    userLeft: {
      room: string;
      userId: string;
    };
  }

  /** The answers to calls. */
  export interface Answers {
    joinRoom: Array<string>;
  }

  /** The typed errors of calls. */
  export interface Errors {
    joinRoom: JoinError;
  }

  /** Why joining a room failed. */
  export type JoinError = {
    error: "noEntry";
    message: string;
  };
}
