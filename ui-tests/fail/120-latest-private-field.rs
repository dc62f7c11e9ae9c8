use parlor::procedure;

mod message {
    #[parlor::payload]
    pub struct Message {
        user_id: String,
    }
}

#[procedure]
pub trait Chat {
    #[outgoing(latest = message.user_id)]
    fn new_message(#[payload] message: message::Message);
}

fn main() {}
