use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn close(&mut self, room: String);
}

fn main() {}
