use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(text: String) -> bool;
}

fn main() {}
