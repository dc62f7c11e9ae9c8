use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn connection(id: u64);
}

fn main() {}
