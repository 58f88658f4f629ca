//! What of the machine a network may use.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::DeviceChoice;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// `None` takes what the machine offers.
    pub threads: Option<usize>,
    pub device: DeviceChoice,
}

impl Machine {
    /// So many threads of the CPU, and no accelerator.
    pub fn cpu(threads: usize) -> Self {
        Self { threads: Some(threads), device: DeviceChoice::Cpu }
    }

    /// The threads of one network.
    pub fn pool(self) -> Result<ThreadPool, ThreadPoolBuildError> {
        ThreadPoolBuilder::new().num_threads(self.threads.unwrap_or(0)).build()
    }
}
