use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    extern "C" fn new_message(text: String);
}

fn main() {}
