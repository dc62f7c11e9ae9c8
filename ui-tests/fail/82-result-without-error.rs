use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn join_room(&mut self, room: String) -> std::io::Result<u32>;
}

fn main() {}
