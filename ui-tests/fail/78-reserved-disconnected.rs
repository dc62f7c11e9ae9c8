use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn disconnected(&mut self, room: String);
}

fn main() {}
