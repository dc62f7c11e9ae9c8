use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(text: String, text: String);
}

fn main() {}
