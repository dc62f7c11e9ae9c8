use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn ping(&mut self);
}

fn main() {}
