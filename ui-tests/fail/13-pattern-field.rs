use parlor::procedure;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn move_to(&mut self, (x, y): (f64, f64));
}

fn main() {}
