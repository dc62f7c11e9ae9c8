use parlor::procedure;

#[procedure(rename_all = "camel")]
pub trait Chat {
    #[incoming]
    fn send_message(&mut self, text: String);

    async fn join_room(&mut self, room: String);

    #[outgoing]
    fn user_left(&self, user_id: &str);
}

fn main() {}
