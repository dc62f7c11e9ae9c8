use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[cfg_attr(all(), doc = "Sends a text.")]
    #[cfg_attr(any(), cfg(any()))]
    #[incoming]
    async fn send_message(&mut self, text: String);

    #[cfg_attr(all(), incoming)]
    async fn join_ro

    #[outgoing]
    fn user_left(#[cfg_attr(all(), validate(length(min = 1)))] user_id: String);
}

fn main() {
    let _ = |chat: ChatClient| chat.send_message("text");
    let _ = |chat: ChatSocket| chat.emit().user_left("ada");
}
