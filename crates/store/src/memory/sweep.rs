//! What goes when its time has passed.

use tintype_domain::{RequestId, Timestamp};

use super::Tables;
use crate::{DIRECT_RETENTION, EVENT_RETENTION, SWEEP_AGAIN, SWEPT_LINES};

impl Tables {
    pub(super) fn sweep(&mut self, now: Timestamp, limit: u32) -> u32 {
        let (wanted, limit) = (limit, limit as usize);
        let due: Vec<_> = self.due_for_sweep(now).into_iter().take(limit).collect();
        for id in &due {
            self.sweep_request(*id, now);
        }
        self.sweep_keys(now, limit);
        self.sweep_events(now, limit);
        self.sweep_stray_logs(now);
        let lines = limit * SWEPT_LINES as usize;
        let more = [self.sweep_runners(now, limit) == limit, self.sweep_runner_logs(now, lines) == lines];
        if more.contains(&true) { wanted } else { due.len() as u32 }
    }

    fn due_for_sweep(&self, now: Timestamp) -> Vec<RequestId> {
        let sweep_at = |id: &RequestId| self.requests[id].sweep_at;
        let mut due: Vec<_> =
            self.requests.keys().copied().filter(|id| sweep_at(id).is_some_and(|at| at <= now)).collect();
        due.sort_by_key(|id| (sweep_at(id), *id));
        due
    }

    fn sweep_request(&mut self, id: RequestId, now: Timestamp) {
        let Some(row) = self.requests.get_mut(&id) else { return };
        if self.deliveries.contains_key(&id) {
            row.sweep_at = Some(now.plus(SWEEP_AGAIN));
            return;
        }
        self.logs.remove(&id);
        match row.key_expires_at {
            Some(key_expires_at) if key_expires_at > now => {
                (row.payload, row.response) = (None, None);
                row.sweep_at = Some(key_expires_at);
            }
            _ => {
                self.requests.remove(&id);
            }
        }
    }

    fn sweep_keys(&mut self, now: Timestamp, limit: usize) {
        let mut expired: Vec<_> = self.idempotency.iter().filter(|(_, used)| used.expires_at <= now).collect();
        expired.sort_by_key(|(_, used)| used.expires_at);
        let expired: Vec<_> = expired.into_iter().take(limit).map(|(key, _)| key.clone()).collect();
        for key in expired {
            self.idempotency.remove(&key);
        }
    }

    /// From the head, so that the feed never has a hole; and never the newest, from which cursors go on.
    fn sweep_events(&mut self, now: Timestamp, limit: usize) {
        let old = now.minus(EVENT_RETENTION);
        for _ in 0..limit {
            match self.events.first_entry() {
                Some(event) if event.get().at <= old && *event.key() < self.cursor => event.remove(),
                _ => return,
            };
        }
    }

    /// Lines of direct calls that never came to be recorded, because the server ended in between.
    fn sweep_stray_logs(&mut self, now: Timestamp) {
        let oldest = RequestId::new(now.minus(DIRECT_RETENTION), [0; 10]);
        self.logs.retain(|id, _| *id >= oldest || self.requests.contains_key(id));
    }
}
