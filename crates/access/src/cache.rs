//! Keys that were looked up, so that a call does not pass by the database.
//!
//! Keys change only through [`crate::Access`], which tells the cache: nothing here is ever stale.

use std::collections::HashMap;

use parking_lot::RwLock;
use tintype_domain::KeyId;
use tintype_store::KeyRecord;

#[derive(Default)]
pub(crate) struct Cache {
    // Bounded by the keys that exist: unknown ids are not remembered.
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    records: HashMap<KeyId, KeyRecord>,
    /// Grows with each change of a key.
    epoch: u64,
}

/// When a look-up began.
pub(crate) struct Since(u64);

impl Cache {
    pub(crate) fn find(&self, id: &KeyId) -> Option<KeyRecord> {
        self.state.read().records.get(id).cloned()
    }

    pub(crate) fn begin(&self) -> Since {
        Since(self.state.read().epoch)
    }

    /// Remembers what a look-up found, unless a key has changed since it began: it may have seen the key before that.
    pub(crate) fn remember(&self, since: &Since, record: KeyRecord) {
        let mut state = self.state.write();
        if state.epoch == since.0 {
            state.records.insert(record.id.clone(), record);
        }
    }

    pub(crate) fn forget(&self, id: &KeyId) {
        let mut state = self.state.write();
        state.epoch += 1;
        state.records.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use tintype_domain::{AccountId, Timestamp};
    use tintype_store::KeyScope;

    use super::*;

    fn record() -> KeyRecord {
        KeyRecord {
            id: KeyId::new("k"),
            account: AccountId::new("ann"),
            alias: "laptop".into(),
            scope: KeyScope::Api,
            secret_hash: [1; 32],
            created_at: Timestamp::EPOCH,
            revoked_at: None,
        }
    }

    #[test]
    fn a_look_up_that_began_before_a_change_is_not_remembered() {
        let cache = Cache::default();
        let since = cache.begin();
        cache.forget(&KeyId::new("k"));
        cache.remember(&since, record());
        assert!(cache.find(&KeyId::new("k")).is_none());
        cache.remember(&cache.begin(), record());
        assert!(cache.find(&KeyId::new("k")).is_some());
    }
}
