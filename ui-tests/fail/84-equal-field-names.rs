use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(user_id: String, #[field(name = "userId")] by: String);
}

fn main() {}
