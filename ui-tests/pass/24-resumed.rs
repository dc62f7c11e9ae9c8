//! `resumed` gets the request of the client that resumes the session.

#![deny(warnings, missing_docs)]

use parlor::prelude::*;

/// A chat.
#[procedure]
pub trait Chat {
    /// Sends `text`.
    #[incoming]
    async fn send_message(&mut self, text: String);
}

struct Guest {
    token: String,
}

impl Chat for Guest {
    async fn send_message(&mut self, _: String) {}

    async fn resumed(&mut self, request: Request) -> Result<(), Reject> {
        let Some(token) = request.bearer_token() else {
            return Err(Reject::unauthorized("a bearer token is needed"));
        };
        std::future::ready(()).await;
        if self.token == token { Ok(()) } else { Err(Reject::forbidden("another guest")) }
    }

    async fn disconnected(&mut self, _: DisconnectReason) {}
}

/// A session with the default `resumed`.
struct Default;

impl Chat for Default {
    async fn send_message(&mut self, _: String) {}
}

fn main() {
    let _ = ChatServer::new(|_: ChatSocket| async move { Ok(Guest { token: String::new() }) });
    let _ = ChatServer::new(|_: ChatSocket| async move { Ok(Default) });
}
