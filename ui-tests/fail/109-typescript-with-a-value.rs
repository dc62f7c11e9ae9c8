use parlor::procedure;

#[procedure(typescript = true)]
pub trait Chat {
    #[incoming]
    async fn say(&mut self, text: String);
}

fn main() {}
