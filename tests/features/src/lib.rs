//! Contracts of many shapes, which compile without a warning for each set of features: `.ci/run` has the sets.

#![allow(missing_docs)]

use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send(&mut self, room: String, #[field(default)] urgent: bool);

    #[incoming]
    async fn count(&mut self, room: String) -> u8;

    #[incoming]
    async fn join(&mut self, #[payload] place: Place) -> Result<Place, Refusal>;

    #[cfg(any())]
    #[incoming]
    async fn compiled_out(&mut self, value: Missing);

    #[outgoing]
    fn sent(text: String, by: SocketId);

    #[outgoing(latest = place.seat)]
    fn moved(#[payload] place: Place);
}

#[payload]
#[derive(Debug, Clone)]
pub struct Place {
    pub room: String,
    pub seat: u8,
}

#[payload]
#[derive(Debug)]
pub enum Refusal {
    Full,
}

/// Nothing uses these traits.
pub mod unused {
    use super::{Place, procedure};

    #[procedure]
    trait Private {
        #[incoming]
        async fn send(&mut self, place: Place) -> u8;

        #[outgoing]
        fn sent(place: Place);
    }

    #[procedure]
    trait OnlyIncoming {
        #[incoming]
        async fn send(&mut self);
    }

    #[procedure]
    trait OnlyOutgoing {
        #[outgoing]
        fn sent();
    }

    pub fn in_a_function() {
        #[procedure]
        trait Local {
            #[incoming]
            async fn send(&mut self, place: Place);
        }
    }
}

/// The crate by another path, and a contract from a macro of the user.
pub mod renamed {
    pub use parlor as framework;

    macro_rules! feed {
        ($name:ident, $value:ty) => {
            #[super::procedure(crate = super::renamed::framework)]
            pub trait $name {
                #[incoming]
                async fn set(&mut self, value: $value) -> $value;

                #[outgoing]
                fn changed(value: $value);
            }
        };
    }

    feed!(Temperature, f64);
    feed!(Place, super::Place);
}

#[cfg(feature = "validate")]
#[procedure]
pub trait Checked {
    #[incoming]
    async fn send(&mut self, #[validate(length(min = 1, max = 9))] text: String);

    #[outgoing]
    fn sent(#[validate(range(max = 9))] count: u8);
}

#[cfg(feature = "typescript")]
#[procedure(typescript)]
pub trait InBrowser {
    #[incoming]
    async fn send(&mut self, spot: Spot) -> Vec<Spot>;

    #[outgoing]
    fn sent(spot: Spot);
}

#[cfg(feature = "typescript")]
#[payload(typescript)]
pub struct Spot {
    pub x: f64,
}

#[cfg(feature = "client")]
pub async fn use_client(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (chat, mut events): (ChatClient, ChatEvents) = ChatClient::connect(url).await?;
    chat.send("general", true)?;
    let seat = chat.count("general").await?;
    let place = Place { room: "general".to_owned(), seat };
    chat.join(&place).await?;
    while let Some(event) = events.next().await {
        match event {
            ChatEvent::Sent { .. } | ChatEvent::Moved(_) => {}
            ChatEvent::Connection(change) => drop(change),
        }
    }
    Ok(())
}

#[cfg(feature = "server")]
pub mod server {
    use super::{Chat, ChatIo, ChatServer, ChatSocket, Place, Refusal};
    use parlor::prelude::*;

    struct Guest {
        socket: ChatSocket,
    }

    impl Chat for Guest {
        async fn send(&mut self, room: String, _: bool) {
            self.socket.to(rooms([&room])).sent("hello", &self.socket.id());
        }

        async fn count(&mut self, room: String) -> u8 {
            u8::try_from(self.socket.io().members(&room).await.len()).unwrap_or(u8::MAX)
        }

        async fn join(&mut self, place: Place) -> Result<Place, Refusal> {
            self.socket.join(&place.room).map_err(|_| Refusal::Full)?;
            self.socket.emit().moved(&place);
            Ok(place)
        }
    }

    pub fn router() -> (Router, ChatIo) {
        let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest { socket }) });
        let io = chat.io();
        (Router::new().procedure("/chat", chat), io)
    }
}
