//! Who is next: strict by priority, then fair between accounts, then in order of arrival.
//!
//! Inside a priority the account with the fewest requests under way goes first; among equals the
//! one that was served longest ago. So a backlog of one account delays another's request by at most
//! one request per slot, however long the backlog is.

use std::collections::{BTreeMap, VecDeque};

use crate::{AccountId, Priority, RequestId};

/// Place in the order of arrival; kept through retries.
pub(super) type Seq = u64;

#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: [Lane; 3],
    shares: BTreeMap<AccountId, Share>,
    served: u64,
}

#[derive(Debug, Default)]
struct Lane {
    accounts: BTreeMap<AccountId, VecDeque<(Seq, RequestId)>>,
    waiting: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    running: u32,
    last_served: u64,
}

impl Queue {
    pub fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiting).sum()
    }

    pub fn push(&mut self, priority: Priority, account: &AccountId, seq: Seq, id: RequestId) {
        let Lane { accounts, waiting } = &mut self.lanes[priority as usize];
        let line = accounts.entry(account.clone()).or_default();
        let place = line.partition_point(|(other, _)| *other < seq);
        line.insert(place, (seq, id));
        *waiting += 1;
    }

    pub fn remove(&mut self, priority: Priority, account: &AccountId, seq: Seq) {
        let Lane { accounts, waiting } = &mut self.lanes[priority as usize];
        let Some(line) = accounts.get_mut(account) else { return };
        let place = line.partition_point(|(other, _)| *other < seq);
        if line.get(place).is_some_and(|(other, _)| *other == seq) {
            line.remove(place);
            *waiting -= 1;
        }
        if line.is_empty() {
            accounts.remove(account);
        }
    }

    /// Who is next, when no account may have more than `limit` under way.
    pub fn next(&self, limit: Option<u32>) -> Option<RequestId> {
        let limit = limit.unwrap_or(u32::MAX);
        self.lanes.iter().find_map(|lane| {
            let lines = lane.accounts.iter().map(|(account, line)| (self.share(account), line));
            let open = lines.filter(|(share, _)| share.running < limit);
            open.min_by_key(|(share, _)| *share).and_then(|(_, line)| line.front()).map(|(_, id)| *id)
        })
    }

    pub fn running(&self, account: &AccountId) -> u32 {
        self.share(account).running
    }

    pub fn started(&mut self, account: &AccountId) {
        self.served += 1;
        let share = self.shares.entry(account.clone()).or_default();
        share.running += 1;
        share.last_served = self.served;
    }

    pub fn stopped(&mut self, account: &AccountId) {
        let Some(share) = self.shares.get_mut(account) else { return };
        share.running = share.running.saturating_sub(1);
        if share.running == 0 && !self.lanes.iter().any(|lane| lane.accounts.contains_key(account)) {
            self.shares.remove(account);
        }
    }

    /// Requests that would go first if every running request ended now.
    pub fn position(&self, priority: Priority, account: &AccountId, seq: Seq) -> usize {
        let (above, rest) = self.lanes.split_at(priority as usize);
        let above: usize = above.iter().map(|lane| lane.waiting).sum();
        let own = self.share(account);
        let before = |line: &VecDeque<(Seq, RequestId)>| line.partition_point(|(other, _)| *other < seq);
        let rounds = rest[0].accounts.get(account).map_or(0, before);
        let others = rest[0].accounts.iter().filter(|(other, _)| *other != account);
        let ahead = others.map(|(other, line)| {
            let first = usize::from((self.share(other), other) < (own, account));
            line.len().min(rounds + first)
        });
        above + rounds + ahead.sum::<usize>()
    }

    fn share(&self, account: &AccountId) -> Share {
        self.shares.get(account).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn id(n: u8) -> RequestId {
        RequestId::new(Timestamp::EPOCH, [n; 10])
    }

    fn account(name: &str) -> AccountId {
        AccountId::new(name)
    }

    /// Serves everything on one slot, in order.
    fn drain(queue: &mut Queue, jobs: &[(Priority, &str, u8)]) -> Vec<u8> {
        for (priority, name, n) in jobs {
            queue.push(*priority, &account(name), u64::from(*n), id(*n));
        }
        let mut order = Vec::new();
        while let Some(next) = queue.next(None) {
            let (priority, name, n) = jobs.iter().find(|(.., n)| id(*n) == next).unwrap();
            assert_eq!(queue.position(*priority, &account(name), u64::from(*n)), 0, "{n} is next");
            queue.remove(*priority, &account(name), u64::from(*n));
            queue.started(&account(name));
            queue.stopped(&account(name));
            order.push(*n);
        }
        order
    }

    #[test]
    fn a_backlog_of_one_account_delays_another_by_one_request() {
        let normal = Priority::Normal;
        let jobs = [(normal, "a", 1), (normal, "a", 2), (normal, "a", 3), (normal, "b", 4), (normal, "c", 5)];
        assert_eq!(drain(&mut Queue::default(), &jobs), [1, 4, 5, 2, 3]);
    }

    #[test]
    fn a_lower_priority_waits_for_all_of_a_higher_one() {
        let jobs =
            [(Priority::Low, "a", 1), (Priority::Normal, "b", 2), (Priority::High, "b", 3), (Priority::Normal, "b", 4)];
        assert_eq!(drain(&mut Queue::default(), &jobs), [3, 2, 4, 1]);
    }

    #[test]
    fn an_account_at_its_limit_is_passed_over() {
        let mut queue = Queue::default();
        queue.push(Priority::High, &account("a"), 1, id(1));
        queue.push(Priority::Normal, &account("b"), 2, id(2));
        queue.started(&account("a"));
        assert_eq!(queue.next(Some(1)), Some(id(2)));
        assert_eq!(queue.next(Some(2)), Some(id(1)));
    }

    #[test]
    fn the_account_with_the_fewest_under_way_goes_first() {
        let mut queue = Queue::default();
        queue.started(&account("a"));
        queue.push(Priority::Normal, &account("a"), 1, id(1));
        queue.push(Priority::Normal, &account("b"), 2, id(2));
        assert_eq!(queue.next(None), Some(id(2)));
        assert_eq!(queue.position(Priority::Normal, &account("a"), 1), 1);
    }

    #[test]
    fn a_retried_request_takes_its_old_place() {
        let mut queue = Queue::default();
        for n in [2, 3, 1] {
            queue.push(Priority::Normal, &account("a"), u64::from(n), id(n));
        }
        assert_eq!(queue.next(None), Some(id(1)));
        assert_eq!(queue.position(Priority::Normal, &account("a"), 3), 2);
    }
}
