use parlor::procedure;

type Joined = Result<u32, String>;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn join_room(&mut self, room: String) -> Joined;
}

fn main() {}
