use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    fn send_message(&mut self, text: String);
}

fn main() {}
