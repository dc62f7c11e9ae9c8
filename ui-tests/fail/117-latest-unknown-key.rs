use parlor::{payload, procedure};

#[payload]
pub struct Message {
    user_id: String,
}

#[procedure]
pub trait Chat {
    #[outgoing(latest = nope)]
    fn cursor(user_id: String, x: u32, y: u32);

    #[outgoing(latest = userId)]
    fn typing(user_id: String);

    #[outgoing(latest = nope.id)]
    fn tick();

    #[outgoing(latest = user_id)]
    fn new_message(#[payload] message: Message);
}

fn main() {}
