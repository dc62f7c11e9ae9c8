use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[validate(range(min = 100, max = 1))] age: u8);
}

fn main() {}
