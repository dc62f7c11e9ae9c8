use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing(latest, volatile)]
    fn new_message(text: String);

    #[outgoing(volatile, name = "moved", latest = user_id)]
    fn cursor(user_id: String, x: u32);
}

fn main() {}
