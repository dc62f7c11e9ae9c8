use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(text: String);

    #[outgoing(name = "newMessage")]
    fn message(text: String);
}

fn main() {}
