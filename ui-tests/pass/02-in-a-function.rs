//! A procedure inside a function, with types of that function.

#![deny(warnings)]

fn main() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Message {
        text: String,
    }

    #[parlor::procedure]
    trait Chat {
        #[incoming]
        async fn send_message(&mut self, message: Message) -> usize;

        #[outgoing]
        fn new_message(#[payload] message: Message);
    }

    struct Guest(ChatSocket);

    impl Chat for Guest {
        async fn send_message(&mut self, message: Message) -> usize {
            self.0.emit().new_message(&message);
            message.text.len()
        }
    }

    let chat = ChatServer::new(|socket: ChatSocket| async move { Ok(Guest(socket)) });
    drop(parlor::Router::new().procedure("/chat", chat));
}
