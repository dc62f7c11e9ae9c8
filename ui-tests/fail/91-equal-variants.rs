use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn user_left(user_id: String);

    #[outgoing(name = "left")]
    fn user__left(user_id: String);
}

fn main() {}
