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
    MayWait,
    /// One was run, and no message was looked for since. More may wait.
    HasRun,
}

impl Work {
    /// A closure was added.
    pub(super) fn add_closure(&mut self) {
        if self.closures == Closures::None {
            self.closures = Closures::MayWait;
        }
    }

    /// Whether a closure is run next, if one waits. After a closure, a message is looked for first.
    pub(super) fn is_closure_next(&mut self) -> bool {
        let is_next = self.closures == Closures::MayWait;
        if self.closures == Closures::HasRun {
            self.closures = Closures::MayWait;
        }
        is_next
    }

    /// A closure is run now, or none waits.
    pub(super) fn run_closure(&mut self, waits: bool) {
        self.closures = if waits { Closures::HasRun } else { Closures::None };
    }

    /// Whether closures may wait, or `detached` has not run. The session does not sleep then.
    pub(super) fn is_due(&self) -> bool {
        self.detached || self.closures != Closures::None
    }

    /// Whether `detached` is run now.
    pub(super) fn take_detached(&mut self) -> bool {
        mem::take(&mut self.detached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_looked_for_after_each_closure() {
        let mut work = Work::default();
        assert!(!work.is_closure_next() && !work.is_due(), "none waits");
        work.add_closure();
        for _ in 0..3 {
            assert!(work.is_closure_next());
            work.run_closure(true);
            work.add_closure();
            // The session has a message, or nothing else to do.
            assert!(!work.is_closure_next());
            assert!(work.is_due(), "it does not sleep");
        }
        assert!(work.is_closure_next(), "no closure was run since");
        work.run_closure(false);
        assert!(!work.is_closure_next() && !work.is_due());
    }
}
