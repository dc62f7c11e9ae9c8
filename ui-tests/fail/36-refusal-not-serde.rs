use parlor::procedure;

pub enum JoinError {
    Full,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn join_room(&mut self, room: String) -> Result<u32, JoinError>;
}

fn main() {}
