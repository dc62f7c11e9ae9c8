//! Emitters and clients take `impl AsRef<str>` for `String`, numbers, `bool` and `char` by value, and all else
//! by reference.

#![deny(warnings)]

use parlor::prelude::*;

#[payload]
#[derive(Debug, PartialEq)]
pub struct Message {
    text: String,
}

type Count = u64;

macro_rules! contract {
    ($number:ty, $message:ty) => {
        #[procedure]
        pub trait FromMacro {
            #[outgoing]
            fn sent(number: $number, message: $message);
        }
    };
}

contract!(u64, Message);

#[procedure]
pub trait Chat {
    #[incoming]
    async fn values(
        &mut self,
        a: bool,
        b: char,
        c: f32,
        d: std::primitive::u8,
        e: ::core::primitive::i128,
        text: std::string::String,
        usize: usize,
    );

    #[incoming]
    async fn references(
        &mut self,
        message: Message,
        messages: Vec<Message>,
        texts: Vec<String>,
        option: Option<u8>,
        count: Count,
        pair: (u8, u8),
        unit: (),
        boxed: Box<Message>,
    );

    #[incoming]
    async fn whole(&mut self, #[payload] message: Message) -> Message;

    #[incoming]
    async fn whole_number(&mut self, #[payload] number: u8);

    #[outgoing(latest = message)]
    fn sent(message: Message, number: u8);

    #[outgoing(latest = number)]
    fn numbered(#[validate(nested)] message: Vec<Ruled>, #[validate(range(max = 5))] number: u8);

    #[outgoing(latest = message.text)]
    fn replaced(message: Message);

    #[outgoing(latest)]
    fn counted(#[payload] number: u64);

    #[outgoing(latest = message)]
    fn all(#[payload] message: Message);
}

#[payload]
#[derive(garde::Validate)]
pub struct Ruled {
    #[garde(range(max = 5))]
    number: u8,
}

fn emit(socket: &ChatSocket, message: Message) {
    let emitter = socket.emit();
    emitter.sent(&message, 1);
    emitter.sent(&Box::new(message), 1);
    let ruled: Vec<_> = (0..3).map(|number| Ruled { number }).collect();
    emitter.numbered(&ruled, 1);
    emitter.numbered(&(0..3).map(|number| Ruled { number }).collect(), 1);
    emitter.replaced(&Message { text: String::new() });
    emitter.counted(1);
    emitter.all(&Message { text: String::new() });
}

fn call(chat: &ChatClient, message: &Message, socket: &FromMacroSocket) {
    let _ = chat.values(true, 'a', 1.0, 1, 1, "text", 1);
    let _ = chat.values(true, 'a', 1.0, 1, 1, String::from("text"), 1);
    let messages = Vec::new();
    let texts = ["a"].map(str::to_owned).to_vec();
    let boxed = Box::new(Message { text: String::new() });
    let _ = chat.references(message, &messages, &texts, &None, &1, &(1, 2), &(), &boxed);
    let _ = chat.whole(message);
    let _ = chat.whole_number(1);
    socket.emit().sent(1, message);
}

fn main() {
    let _ = (emit, call);
}
