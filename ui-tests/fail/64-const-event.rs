use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    const fn new_message(text: String);
}

fn main() {}
