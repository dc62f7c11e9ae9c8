use std::mem;

/// What a session does between handlers besides messages.
#[derive(Default)]
pub(super) struct Work {
    /// The resume slot may hold a request.
    pub(super) resume_request: bool,
    /// The session was detached, and its `detached` has not run.
    pub(super) detached: bool,
    closures: Closures,
}

/// Whether closures may wait. They take turns with messages.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Closures {
    #[default]
    None,
    Wait,
    /// They were run, and no message was looked for since.
    JustRun,
    /// The same, and more wait.
    WaitForMessage,
}

impl Work {
    /// A closure was added.
    pub(super) fn add_closures(&mut self) {
        self.closures = match self.closures {
            Closures::None | Closures::Wait => Closures::Wait,
            Closures::JustRun | Closures::WaitForMessage => Closures::WaitForMessage,
        };
    }

    /// Whether closures are run next. If not, a message is looked for next.
    pub(super) fn are_closures_next(&mut self) -> bool {
        let before = self.closures;
        self.closures = match before {
            Closures::None | Closures::JustRun => Closures::None,
            Closures::Wait | Closures::WaitForMessage => Closures::Wait,
        };
        before == Closures::Wait
    }

    /// The closures that wait are run now.
    pub(super) fn run_closures(&mut self) {
        self.closures = Closures::JustRun;
    }

    /// Whether closures wait, or `detached` has not run. The session does not sleep then.
    pub(super) fn is_due(&self) -> bool {
        self.detached || self.closures == Closures::Wait
    }

    /// Whether `detached` is run now.
    pub(super) fn take_detached(&mut self) -> bool {
        mem::take(&mut self.detached)
    }
}
