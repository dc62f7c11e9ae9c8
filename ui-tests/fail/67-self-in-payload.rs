use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn copy(&mut self, other: Vec<Self>);
}

fn main() {}
