/** A contract as the generator writes it. */

export interface AppRouter {
  chat: {
    wsChat: Chat;
  };
  auction: Auction & { admin: Auction };
}

export interface Chat {
  incoming: Chat.Incoming;
  outgoing: Chat.Outgoing;
  answers: Chat.Answers;
  errors: Chat.Errors;
}

export namespace Chat {
  export interface Incoming {
    sendMessage: { room: string; text: string };
    joinRoom: { room: string };
    leaveRoom: { room: string };
    touch: Record<string, never>;
    search: { text?: string | null; limit?: number };
    label: string;
    clear: Record<string, never>;
  }
  export interface Outgoing {
    newMessage: { room: string; text: string; userId: string; timestamp: number };
    userJoined: { room: string; userId: string };
    topic: { text: string | null };
  }
  export interface Answers {
    joinRoom: Array<string>;
    search: Array<string>;
    clear: null;
  }
  export interface Errors {
    joinRoom: JoinError;
  }
  export type JoinError = { error: "noEntry"; message: string };
}

export interface Auction {
  incoming: { bid: { amount: number } };
  outgoing: { sold: { amount: number } };
  answers: { bid: boolean };
  errors: Record<never, never>;
}
