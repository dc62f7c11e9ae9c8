use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn detached(&mut self);

    #[incoming]
    async fn renewed(&mut self);

    #[incoming]
    async fn renew(&mut self);

    #[incoming(name = "phone")]
    async fn call(&mut self, number: String);

    #[incoming]
    async fn r#spawn(&mut self);

    #[incoming(name = "call")]
    async fn call_user(&mut self, number: String);

    /// Outgoing events may have these names.
    #[outgoing]
    fn detached();

    #[outgoing]
    fn call(number: String);
}

fn main() {}
