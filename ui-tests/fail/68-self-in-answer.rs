use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn copy(&mut self) -> Option<Self>;
}

fn main() {}
