use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async unsafe fn send_message(&mut self, text: String);
}

fn main() {}
