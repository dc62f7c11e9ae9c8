use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn new_message(#[field(rename = "body")] text: String);
}

fn main() {}
