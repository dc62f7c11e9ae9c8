use parlor::procedure;

#[procedure]
pub trait Chat {
    /// Each attribute of a field may depend on a condition, except `cfg`.
    #[incoming]
    async fn send_message(
        &mut self,
        #[cfg_attr(all(), cfg(all()))] text: String,
        #[cfg_attr(all(), cfg_attr(not(any()), doc = "A room.", serde(default)))] room: String,
        #[cfg_attr(all(), validate(length(mix = 1)))] user: String,
    );

    #[outgoing]
    fn moved(#[cfg_attr(all(), doc = "x", payload)] x: u8, #[cfg_attr(any(), payload)] y: u8);
}

fn main() {}
