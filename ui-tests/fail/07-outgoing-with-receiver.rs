use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(&self, text: String);
}

fn main() {}
