use parlor::{payload, procedure};

#[payload]
pub struct Author {
    pub id: u64,
}

#[payload]
pub struct Message {
    pub author: Author,
}

#[procedure]
pub trait Chat {
    #[outgoing(latest = message.user_id)]
    fn new_message(#[payload] message: Message);

    #[outgoing(latest = message.author.name)]
    fn changed(message: Message, by: String);

    #[outgoing(latest = by.id)]
    fn removed(by: String);
}

fn main() {}
