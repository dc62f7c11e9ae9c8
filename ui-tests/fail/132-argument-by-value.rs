use parlor::prelude::*;

#[payload]
pub struct Message {
    pub text: String,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send(&mut self, #[payload] message: Message);

    #[incoming]
    async fn forward(&mut self, to: SocketId, messages: Vec<Message>, title: Option<String>);

    #[outgoing]
    fn sent(message: Message, times: u32);
}

fn by_value(chat: &ChatClient, socket: &ChatSocket, to: SocketId, message: Message) {
    socket.emit().sent(Message { text: "a".to_owned() }, 1);
    let _ = chat.forward(to, vec![], None);
    let _ = chat.send(message);
}

fn by_reference(socket: &ChatSocket, message: &Message, times: &u32) {
    socket.emit().sent(message, times);
}

fn main() {}
