//! What must hold, whatever happens.

use std::collections::BTreeMap;

use tintype_domain::{
    Attempt, Outcome, Priority, RequestId, Timestamp,
    app::{CancelAnswer, Spec},
};
use tintype_store::EventKind;

use crate::{
    machine::Machine,
    plan::{Nature, Wish},
};

pub struct Checks {
    spec: Spec,
    known: BTreeMap<RequestId, Known>,
    admissions: u64,
    lives: u32,
    /// Claims and grants since the last look at the machine.
    begun: Vec<RequestId>,
    /// Since the app was deleted nothing may begin.
    deleted: bool,
    pub violation: Option<String>,
}

struct Known {
    wish: Wish,
    deadline_day: Option<Timestamp>,
    deadline: Option<Timestamp>,
    stage: Stage,
    /// Order of arrival in this life of the server.
    place: u64,
    /// Not begun, cancelled or ended in this life.
    fresh: bool,
    sent: Vec<Attempt>,
    granted: bool,
    ended: Option<Outcome>,
    cancels: u32,
    removed: bool,
    deaths: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Wished,
    /// The caller was told that it is accepted.
    Acknowledged,
    /// Refused, given up by its caller, or answered: nothing is owed.
    Over,
}

impl Checks {
    pub fn new(spec: Spec) -> Self {
        Self {
            spec,
            known: BTreeMap::new(),
            admissions: 0,
            lives: 0,
            begun: Vec::new(),
            deleted: false,
            violation: None,
        }
    }

    pub fn ensure(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            self.violation = Some(otherwise());
        }
    }

    // --- what happens ---

    pub fn wished(&mut self, id: RequestId, wish: Wish, deadline_day: Option<Timestamp>) {
        let known = Known {
            wish,
            deadline_day,
            deadline: None,
            stage: Stage::Wished,
            place: 0,
            fresh: false,
            sent: Vec::new(),
            granted: false,
            ended: None,
            cancels: 0,
            removed: false,
            deaths: 0,
        };
        self.known.insert(id, known);
    }

    fn at(&mut self, id: RequestId) -> &mut Known {
        self.known.get_mut(&id).expect("every request was wished for")
    }

    pub fn wish(&self, id: RequestId) -> &Wish {
        &self.known[&id].wish
    }

    pub fn nature(&self, id: RequestId) -> Nature {
        self.known[&id].wish.nature
    }

    pub fn deadline(&self, id: RequestId) -> Option<Timestamp> {
        self.known[&id].deadline_day
    }

    pub fn acknowledged(&mut self, id: RequestId) {
        self.at(id).stage = Stage::Acknowledged;
    }

    pub fn never_accepted(&mut self, id: RequestId) {
        self.at(id).stage = Stage::Over;
    }

    pub fn admitted(&mut self, id: RequestId, deadline: Option<Timestamp>) {
        self.admissions += 1;
        let place = self.admissions;
        let known = self.at(id);
        (known.place, known.fresh, known.deadline) = (place, true, deadline);
    }

    pub fn not_fresh(&mut self, id: RequestId) {
        self.at(id).fresh = false;
    }

    pub fn new_life(&mut self) {
        self.lives += 1;
    }

    pub fn server_died(&mut self) {
        self.begun.clear();
        for known in self.known.values_mut() {
            known.fresh = false;
            known.cancels = 0;
            let lost = known.wish.direct || known.stage == Stage::Wished;
            if lost {
                known.stage = Stage::Over;
            }
        }
    }

    pub fn cancel_asked(&mut self, id: RequestId) {
        let known = self.at(id);
        known.cancels += 1;
        known.fresh = false;
    }

    pub fn cancel_answered(&mut self, id: RequestId, answer: CancelAnswer) {
        let known = self.at(id);
        known.cancels = 0;
        known.removed |= answer == CancelAnswer::Removed;
        let ended = known.ended;
        let honest = answer != CancelAnswer::Removed || ended == Some(Outcome::Cancelled);
        self.ensure(honest, || format!("{id} was said to be removed, but is {ended:?}"));
    }

    // --- what the machine does ---

    /// In order within account and priority, by priority, before its deadline.
    pub fn claimed(&mut self, id: RequestId, now: Timestamp) {
        self.starts(id, now);
        self.not_fresh(id);
    }

    pub fn granted(&mut self, id: RequestId, now: Timestamp) {
        self.starts(id, now);
        let known = self.at(id);
        known.fresh = false;
        let twice = std::mem::replace(&mut known.granted, true);
        let over = known.stage == Stage::Over;
        self.ensure(!twice && !over, || format!("call {id} was given a slot twice, or after it was refused"));
    }

    pub fn deleted(&mut self, deleted: bool) {
        self.deleted = deleted;
    }

    fn starts(&mut self, id: RequestId, now: Timestamp) {
        let deleted = self.deleted;
        self.ensure(!deleted, || format!("{id} was begun on an app that was deleted"));
        self.begun.push(id);
        let known = &self.known[&id];
        let late = known.deadline.is_some_and(|deadline| deadline <= now);
        let (place, priority, account) = (known.place, known.wish.priority, known.wish.account);
        let overtaken = known.fresh.then(|| {
            self.known.iter().find(|(_, other)| {
                other.fresh && other.place < place && other.wish.priority == priority && other.wish.account == account
            })
        });
        let overtaken = overtaken.flatten().map(|(other, _)| *other);
        let higher = |other: &Known| other.fresh && rank(other.wish.priority) < rank(priority);
        // An account at its limit may be passed over by a lower priority.
        let passed = self.known.iter().find(|(_, other)| higher(other)).map(|(other, _)| *other);
        let passed = passed.filter(|_| self.spec.account_concurrency.is_none());
        self.ensure(!late, || format!("{id} was begun after its start deadline"));
        self.ensure(overtaken.is_none(), || format!("{id} was begun before {overtaken:?}, which came earlier"));
        self.ensure(passed.is_none(), || format!("{id} was begun before {passed:?} of higher priority"));
    }

    /// Fair between accounts: whoever was begun had no more under way than any account that still waits.
    pub fn after_step(&mut self, machine: &impl Machine, now: Timestamp) {
        for id in std::mem::take(&mut self.begun) {
            let runners = machine.runners();
            let in_flight = || runners.iter().flat_map(|runner| &runner.in_flight);
            let of = |account: &str| in_flight().filter(|id| self.known[id].wish.account == account).count();
            let wish = &self.known[&id].wish;
            let mine = of(wish.account);
            let waits = |other: &&Known| other.fresh && other.wish.priority == wish.priority;
            let starved = self.known.values().filter(waits).map(|other| other.wish.account);
            let starved = starved.filter(|account| *account != wish.account).find(|account| of(account) + 1 < mine);
            let account = wish.account;
            self.ensure(starved.is_none(), || {
                format!("{account} has {mine} under way while {starved:?} waits at {now}")
            });
        }
        if let Some(limit) = self.spec.account_concurrency {
            let runners = machine.runners();
            for account in ["ann", "bob", "cat"] {
                let in_flight = runners.iter().flat_map(|runner| &runner.in_flight);
                let running = in_flight.filter(|id| self.known[id].wish.account == account).count();
                self.ensure(running <= limit as usize, || format!("{account} has {running} under way"));
            }
        }
    }

    pub fn sent(&mut self, id: RequestId, attempt: Attempt) {
        let (lives, deleted) = (self.lives, self.deleted);
        self.ensure(!deleted, || format!("{id} was sent to an app that was deleted"));
        let known = self.at(id);
        let twice = known.sent.contains(&attempt);
        known.sent.push(attempt);
        let (never, sent, ended, removed) = (known.wish.never, known.sent.len(), known.ended, known.removed);
        self.ensure(!twice, || format!("{id} was sent twice as attempt {attempt}"));
        self.ensure(!never || sent == 1, || format!("{id} forbids retries and was sent {sent} times"));
        self.ensure(ended.is_none() && !removed, || format!("{id} was sent after its end"));
        // Ten that count, and those that a server or another request cut short.
        self.ensure(sent <= 10 + 4 * lives as usize + 10, || format!("{id} was sent {sent} times"));
    }

    pub fn died_under(&mut self, id: RequestId, asked: bool) {
        let most = self.spec.poison_after + self.lives;
        let known = self.at(id);
        if known.wish.nature != Nature::Poison || asked || known.wish.direct {
            return;
        }
        known.deaths += 1;
        let deaths = known.deaths;
        self.ensure(deaths <= most, || format!("{deaths} runners died under {id}, which was not set aside"));
    }

    pub fn slots(&mut self, busy: usize, slots: usize) {
        self.ensure(busy <= slots, || format!("{busy} requests are on a runner of {slots} slots"));
    }

    pub fn processes(&mut self, processes: usize, most: usize) {
        let deleted = self.deleted;
        self.ensure(!deleted, || "a runner was started of an app that was deleted".into());
        self.ensure(processes <= most, || format!("{processes} runners exist, of at most {most}"));
    }

    pub fn forgotten(&mut self, id: RequestId) {
        let known = self.at(id);
        if known.wish.direct {
            known.stage = Stage::Over;
            known.fresh = false;
        }
    }

    pub fn direct_over(&mut self, id: RequestId) {
        self.forgotten(id);
    }

    pub fn direct_left(&mut self, id: RequestId) {
        self.forgotten(id);
    }

    // --- the end ---

    pub fn committed_end(&mut self, id: RequestId, by: Option<Attempt>, outcome: Outcome) {
        let known = self.at(id);
        let before = known.ended.replace(outcome);
        known.fresh = false;
        let removed = known.removed;
        self.ensure(before.is_none(), || format!("{id} ended twice: {before:?}, then {outcome:?} by {by:?}"));
        self.ensure(!removed, || format!("{id} ended after it was removed"));
    }

    pub fn all_over(&self) -> bool {
        self.known.values().all(|known| known.owed().is_none() && known.cancels == 0)
    }

    /// Everything accepted has ended, once, and the feed tells it in order.
    pub fn final_check(&mut self, events: &[tintype_store::Event]) {
        let owed = self.known.iter().find_map(|(id, known)| known.owed().map(|what| format!("{id}: {what}")));
        self.ensure(owed.is_none(), || owed.unwrap_or_default());
        let unanswered = self.known.iter().find(|(_, known)| known.cancels > 0).map(|(id, _)| *id);
        self.ensure(unanswered.is_none(), || format!("nobody answered who asked to cancel {unanswered:?}"));
        let mut stories: BTreeMap<RequestId, Vec<EventKind>> = BTreeMap::new();
        for event in events {
            stories.entry(event.request).or_default().push(event.kind);
        }
        for (id, story) in stories {
            self.ensure(sound(&story), || format!("the feed tells of {id}: {story:?}"));
        }
        let cursors = events.windows(2).all(|pair| pair[0].cursor < pair[1].cursor);
        self.ensure(cursors, || "the feed is out of order".into());
    }
}

impl Known {
    fn owed(&self) -> Option<&'static str> {
        match self.stage {
            Stage::Over => None,
            Stage::Acknowledged if self.ended.is_some() => None,
            Stage::Acknowledged => Some("accepted, and never ended"),
            Stage::Wished if self.wish.direct => Some("a call that was never answered"),
            Stage::Wished => Some("submitted, and neither accepted nor refused"),
        }
    }
}

/// Submitted, then started and requeued in turn, then finished, once.
fn sound(story: &[EventKind]) -> bool {
    let [EventKind::Submitted, middle @ .., EventKind::Finished] = story else { return false };
    middle.iter().enumerate().all(|(n, kind)| match n % 2 {
        0 => *kind == EventKind::Started,
        _ => *kind == EventKind::Requeued,
    })
}

fn rank(priority: Priority) -> u8 {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}
