use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message<T>(&mut self, text: T);
}

fn main() {}
