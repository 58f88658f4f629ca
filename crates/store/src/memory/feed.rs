//! Events and logs.

use tintype_domain::{AccountId, Attempt, LogEntry, RequestId, Timestamp};

use super::Tables;
use crate::{Event, EventKind, RequestRecord, RequestState, StoredLog};

impl Tables {
    /// Appends to the feed; the cursor of the new event comes back.
    pub(super) fn publish(
        &mut self,
        record: &RequestRecord,
        kind: EventKind,
        attempt: Option<Attempt>,
        at: Timestamp,
    ) -> i64 {
        self.cursor += 1;
        let outcome = match record.state {
            RequestState::Done(outcome) => Some(outcome),
            RequestState::Waiting | RequestState::Running => None,
        };
        let event = Event {
            cursor: self.cursor,
            request: record.id,
            account: record.account.clone(),
            app: record.app.clone(),
            kind,
            attempt,
            outcome,
            at,
        };
        self.events.insert(self.cursor, event);
        self.cursor
    }

    pub(super) fn events(&self, account: Option<&AccountId>, after: i64, limit: u32) -> Vec<Event> {
        let newer = self.events.range(after.saturating_add(1)..).map(|(_, event)| event);
        let wanted = newer.filter(|event| account.is_none_or(|account| event.account == *account));
        wanted.take(limit as usize).cloned().collect()
    }

    pub(super) fn append_logs(&mut self, lines: Vec<(RequestId, LogEntry)>) {
        for (request, entry) in lines {
            let log = self.logs.entry(request).or_default();
            let cursor = log.last().map_or(0, |line| line.cursor) + 1;
            log.push(StoredLog { cursor, entry });
        }
    }

    pub(super) fn logs(&self, id: RequestId, after: i64, limit: u32) -> Vec<StoredLog> {
        let lines = self.logs.get(&id).into_iter().flatten();
        lines.filter(|line| line.cursor > after).take(limit as usize).cloned().collect()
    }
}
