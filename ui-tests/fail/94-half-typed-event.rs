use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_mess

    #[incoming]
    async fn join_room(&mut self, room: String);

    #[outgoing]
    fn user_left(user_id: String);
}

struct Guest {
    socket: ChatSocket,
}

impl Chat for Guest {
    async fn join_room(&mut self, room: String) {
        self.socket.to(&room).user_left("ada");
    }
}

fn main() {}
