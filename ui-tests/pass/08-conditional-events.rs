//! `#[cfg]` applies to all code generated from an event.

#![deny(warnings)]

use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[cfg(any())]
    #[incoming]
    async fn never(&mut self, message: DoesNotExist) -> AlsoNot;

    #[cfg(all())]
    #[incoming]
    async fn always(&mut self, text: String) -> u64;

    #[cfg(any())]
    #[outgoing]
    fn not_sent(#[validate(nested)] message: DoesNotExist);

    #[cfg(any())]
    #[outgoing]
    fn either(number: u8);

    #[cfg(not(any()))]
    #[outgoing]
    fn either(text: String);
}

struct Guest(ChatSocket);

impl Chat for Guest {
    async fn always(&mut self, text: String) -> u64 {
        self.0.emit().either(text);
        0
    }
}

fn main() {
    assert_eq!(<ChatEmitter as parlor::Contract>::INCOMING, ["always"]);
    let [either] = <ChatEmitter as parlor::Contract>::OUTGOING else { panic!("one event") };
    assert_eq!(either.name, "either");
    assert_eq!(either.policy, parlor::rooms::DeliveryPolicy::Reliable);
    let _ = |event: ChatEvent| match event {
        ChatEvent::Either { text } => text,
        ChatEvent::Connection(change) => change.to_string(),
    };
    let _ = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest(socket)) });
}
