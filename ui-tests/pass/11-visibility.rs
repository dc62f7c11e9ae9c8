//! Generated items have the visibility of the trait.

#![deny(warnings, private_interfaces, private_bounds, unreachable_pub)]

mod inside {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(crate) struct Message {
        pub(crate) text: String,
    }

    #[parlor::procedure]
    pub(crate) trait Chat {
        #[incoming]
        async fn send_message(&mut self, message: Message) -> Message;

        #[outgoing]
        fn new_message(message: Message);
    }

    pub(super) mod deeper {
        #[parlor::procedure]
        pub(in crate::inside) trait Deep {
            #[incoming]
            async fn hello(&mut self);
        }

        #[parlor::procedure]
        trait Unused {
            #[incoming]
            async fn hello(&mut self);
        }
    }

    fn deep(_: deeper::DeepClient) {}

    pub(crate) fn uses() {
        let _ = deep;
    }
}

fn say(socket: &inside::ChatSocket, text: &str) {
    socket.emit().new_message(&inside::Message { text: text.to_owned() });
}

struct Guest;

impl inside::Chat for Guest {
    async fn send_message(&mut self, message: inside::Message) -> inside::Message {
        println!("{}", message.text);
        message
    }
}

fn main() {
    let _ = say;
    inside::uses();
    let _ = inside::ChatServer::new(|_: inside::ChatSocket| async move { Ok(Guest) });
}
