//! A procedure may have supertraits, and sessions may be generic.

#![deny(warnings)]

use std::fmt::Display;

use parlor::prelude::*;

#[procedure]
pub trait Chat: Sync + Display {
    #[incoming]
    async fn name(&mut self) -> String {
        self.to_string()
    }
}

struct Guest<T>(T);

impl<T: Display> Display for Guest<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Display + Send + Sync + 'static> Chat for Guest<T> {
    async fn disconnected(&mut self, reason: DisconnectReason) {
        println!("{self} left: {reason:?}");
    }
}

fn main() {
    let _ = ChatServer::new(|_: ChatSocket| async move { Ok(Guest("ada")) });
}
