use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing(latest = user_id, latest = x)]
    fn cursor(user_id: String, x: u32);
}

fn main() {}
