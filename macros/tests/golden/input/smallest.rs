#[procedure]
trait Smallest {
    #[incoming]
    async fn ping_me(&mut self);
}
