//! Connections that are carried at a time.

use std::future::Future;

use tokio::task::JoinSet;

/// Through one listener of a runner; more wait in the kernel.
const MOST: usize = 128;

/// All end when this is dropped.
#[derive(Default)]
pub(super) struct Crowd(JoinSet<()>);

impl Crowd {
    /// Waits until one more may come.
    pub(super) async fn room(&mut self) {
        while self.0.len() >= MOST {
            self.0.join_next().await;
        }
        while self.0.try_join_next().is_some() {}
    }

    pub(super) fn admit(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(connection);
    }
}
