use std::mem;

/// What a session does between handlers besides messages.
#[derive(Default)]
pub(super) struct Work {
    /// The resume slot may hold a request.
    pub(super) resume_request: bool,
    /// The session was detached, and its `detached` has not run.
    pub(super) detached: bool,
    /// Closures may wait.
    pub(super) closures: bool,
    /// A closure was run, and no message was looked for since.
    has_run_closure: bool,
}

impl Work {
    /// Whether a closure is run next, if one waits. Closures and messages take turns: after a closure, a
    /// message is looked for first.
    pub(super) fn is_closure_next(&mut self) -> bool {
        let has_run = mem::take(&mut self.has_run_closure);
        self.closures && !has_run
    }

    /// A closure is run now.
    pub(super) fn run_closure(&mut self) {
        self.has_run_closure = true;
    }

    /// Whether closures may wait, or `detached` has not run. The session does not sleep then.
    pub(super) fn is_due(&self) -> bool {
        self.detached || self.closures
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
        work.closures = true;
        for _ in 0..3 {
            assert!(work.is_closure_next());
            work.run_closure();
            // The session has a message, or nothing else to do.
            assert!(!work.is_closure_next());
            assert!(work.is_due(), "it does not sleep");
        }
        assert!(work.is_closure_next(), "no closure was run since");
        work.closures = false;
        assert!(!work.is_closure_next() && !work.is_due());
    }
}
