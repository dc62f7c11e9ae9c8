use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn connect(&mut self);

    #[incoming]
    async fn builder(&mut self);

    #[incoming]
    async fn status(&mut self);

    #[incoming]
    async fn clone(&mut self);

    #[incoming]
    async fn resumed(&mut self);

    #[incoming]
    async fn detached(&mut self);

    #[incoming]
    async fn last_close(&mut self);
}

#[procedure]
pub trait News {
    #[outgoing]
    fn clone();

    #[outgoing]
    fn connect();

    #[outgoing]
    fn reconnecting();

    #[outgoing]
    fn reconnect();

    #[outgoing]
    fn reconnect_failed();

    #[outgoing]
    fn error(why: String);
}

fn main() {}
