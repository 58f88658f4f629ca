//! Why a runner ended, and whether that is how it should be.

use tintype_launch::ExitReason;

pub(crate) struct Ending {
    pub reason: String,
    /// Nobody asked for it.
    pub is_fault: bool,
}

impl Ending {
    pub fn orderly(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_fault: false }
    }

    pub fn fault(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_fault: true }
    }

    pub fn lost() -> Self {
        Self::fault("the launcher lost sight of the runner")
    }

    /// `last_words`: what it wrote, if that says why.
    pub fn of(exit: &ExitReason, last_words: Option<String>) -> Self {
        let reason = match last_words {
            Some(words) => format!("{exit}; it wrote: {words}"),
            None => exit.to_string(),
        };
        Self { reason, is_fault: !matches!(exit, ExitReason::Clean | ExitReason::Killed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_ended_is_no_fault_and_a_crash_is_one_with_its_status() {
        assert!(!Ending::of(&ExitReason::Clean, None).is_fault && !Ending::of(&ExitReason::Killed, None).is_fault);
        let crash = Ending::of(&ExitReason::Code(3), Some("no such file".into()));
        assert!(crash.is_fault && crash.reason == "the runner exited with status 3; it wrote: no such file");
        assert!(Ending::of(&ExitReason::Signal(11), None).is_fault);
    }
}
