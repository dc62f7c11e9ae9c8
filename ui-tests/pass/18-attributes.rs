//! Other attributes stay on the handler; docs of fields go to the fields of the enum.

#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]

/// A log.
#[allow(async_fn_in_trait)]
#[parlor::procedure]
pub trait Log {
    /// Writes a line.
    #[allow(clippy::too_many_arguments)]
    #[incoming]
    async fn line(
        &mut self,
        /// What to write.
        text: String,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
    );

    /// Wrote a line.
    #[parlor::outgoing]
    fn wrote(
        /// What was written.
        text: String,
    );
}

fn main() {
    let _ = |socket: LogSocket| socket.emit().wrote("text");
}
