//! Which templates wait, and how many should.
//!
//! One for each mould that is in use, and one more for each start that lately found none, up to a few: who starts
//! runners in bursts will do so again. Pure: the tests read it with numbers in place of processes.

use tokio::time::Instant;

use super::{Mould, Templates};

/// Of one mould.
const MOST_ALIKE: usize = 4;

pub(super) struct Shelf<S> {
    templates: Templates,
    rows: Vec<Row<S>>,
    next: u64,
}

struct Row<S> {
    mould: Mould,
    wanted: usize,
    making: usize,
    /// The oldest first.
    spares: Vec<(u64, S)>,
    used: Instant,
    /// None could be made; until then nobody tries.
    barren_until: Option<Instant>,
}

impl<S> Shelf<S> {
    pub(super) fn new(templates: Templates) -> Self {
        Self { templates, rows: Vec::new(), next: 0 }
    }

    pub(super) fn take(&mut self, mould: &Mould, now: Instant) -> Option<S> {
        let row = self.rows.iter_mut().find(|row| row.mould == *mould)?;
        row.used = now;
        if row.spares.is_empty() {
            row.wanted = (row.wanted + 1).min(MOST_ALIKE);
            return None;
        }
        Some(row.spares.remove(0).1)
    }

    /// Whether one more should be made now; whoever hears `true` makes it, and says what came of it.
    pub(super) fn reserve(&mut self, mould: &Mould, now: Instant) -> bool {
        if self.templates.most == 0 {
            return false;
        }
        self.forget(now);
        let row = self.row(mould, now);
        let barren = row.barren_until.is_some_and(|until| now < until);
        let lacking = !barren && row.spares.len() + row.making < row.wanted;
        row.making += usize::from(lacking);
        lacking
    }

    /// Puts one down that was reserved: its number, and what must make room for it.
    pub(super) fn put(&mut self, mould: &Mould, spare: S, now: Instant) -> (u64, Vec<S>) {
        self.next += 1;
        let number = self.next;
        let row = self.row(mould, now);
        row.making = row.making.saturating_sub(1);
        row.used = now;
        row.spares.push((number, spare));
        (number, self.make_room())
    }

    pub(super) fn failed(&mut self, mould: &Mould, now: Instant) {
        let idle = self.templates.idle;
        let row = self.row(mould, now);
        row.making = row.making.saturating_sub(1);
        row.barren_until = Some(now + idle);
    }

    /// When the one with this number has waited for long enough; `None`: it does not wait any more.
    pub(super) fn deadline(&self, number: u64) -> Option<Instant> {
        let row = self.rows.iter().find(|row| row.holds(number))?;
        Some(row.used + self.templates.idle)
    }

    /// Takes it away if it has waited for long enough. That many are not needed.
    pub(super) fn expire(&mut self, number: u64, now: Instant) -> Option<S> {
        self.deadline(number).filter(|deadline| *deadline <= now)?;
        let row = self.rows.iter_mut().find(|row| row.holds(number))?;
        row.wanted = 1;
        self.remove(number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<S> {
        let row = self.rows.iter_mut().find(|row| row.holds(number))?;
        let place = row.spares.iter().position(|(held, _)| *held == number)?;
        Some(row.spares.remove(place).1)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &S> {
        self.rows.iter().flat_map(|row| &row.spares).map(|(_, spare)| spare)
    }

    fn row(&mut self, mould: &Mould, now: Instant) -> &mut Row<S> {
        let place = self.rows.iter().position(|row| row.mould == *mould).unwrap_or_else(|| {
            let mould = mould.clone();
            self.rows.push(Row { mould, wanted: 1, making: 0, spares: Vec::new(), used: now, barren_until: None });
            self.rows.len() - 1
        });
        &mut self.rows[place]
    }

    /// The least lately used go first.
    fn make_room(&mut self) -> Vec<S> {
        let mut gone = Vec::new();
        while self.rows.iter().map(|row| row.spares.len()).sum::<usize>() > self.templates.most {
            let full = self.rows.iter_mut().filter(|row| !row.spares.is_empty());
            let Some(row) = full.min_by_key(|row| row.used) else { break };
            gone.push(row.spares.remove(0).1);
        }
        gone
    }

    /// Drops rows that say nothing any more.
    fn forget(&mut self, now: Instant) {
        let idle = self.templates.idle;
        self.rows.retain(|row| !row.spares.is_empty() || row.making > 0 || now < row.used + idle);
    }
}

impl<S> Row<S> {
    fn holds(&self, number: u64) -> bool {
        self.spares.iter().any(|(held, _)| *held == number)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn shelf(most: usize) -> (Shelf<&'static str>, Instant) {
        (Shelf::new(Templates { most, idle: IDLE }), Instant::now())
    }

    fn lay_by(shelf: &mut Shelf<&'static str>, mould: &Mould, name: &'static str, now: Instant) -> u64 {
        assert!(shelf.reserve(mould, now));
        shelf.put(mould, name, now).0
    }

    #[test]
    fn one_waits_for_each_mould_and_serves_one_start() {
        let (mut shelf, now) = shelf(8);
        let (one, other) = (Mould::example("one"), Mould::example("other"));
        lay_by(&mut shelf, &one, "first", now);
        assert!(!shelf.reserve(&one, now), "one is enough");
        assert_eq!(shelf.take(&other, now), None);
        assert_eq!(shelf.take(&one, now), Some("first"));
        assert_eq!(shelf.take(&one, now), None);
    }

    #[test]
    fn while_one_is_made_nobody_makes_another() {
        let (mut shelf, now) = shelf(8);
        let mould = Mould::example("one");
        assert!(shelf.reserve(&mould, now));
        assert!(!shelf.reserve(&mould, now));
    }

    #[test]
    fn a_burst_makes_more_wait_up_to_four_and_idleness_one_again() {
        let (mut shelf, now) = shelf(8);
        let mould = Mould::example("one");
        lay_by(&mut shelf, &mould, "first", now);
        for _ in 0..9 {
            shelf.take(&mould, now);
        }
        let numbers: Vec<_> = (0..4).map(|_| lay_by(&mut shelf, &mould, "more", now)).collect();
        assert!(!shelf.reserve(&mould, now));
        let later = now + IDLE;
        assert!(numbers.into_iter().all(|number| shelf.expire(number, later).is_some()));
        lay_by(&mut shelf, &mould, "again", later);
        assert!(!shelf.reserve(&mould, later));
    }

    #[test]
    fn use_of_the_mould_keeps_what_waits() {
        let (mut shelf, now) = shelf(8);
        let mould = Mould::example("one");
        lay_by(&mut shelf, &mould, "first", now);
        shelf.take(&mould, now);
        shelf.take(&mould, now);
        lay_by(&mut shelf, &mould, "second", now);
        let third = lay_by(&mut shelf, &mould, "third", now);
        let later = now + IDLE / 2;
        shelf.take(&mould, later);
        assert_eq!(shelf.expire(third, now + IDLE), None);
        assert_eq!(shelf.deadline(third), Some(later + IDLE));
        assert_eq!(shelf.expire(third, later + IDLE), Some("third"));
    }

    #[test]
    fn beyond_the_most_the_least_lately_used_makes_room() {
        let (mut shelf, now) = shelf(2);
        let moulds = ["a", "b", "c"].map(Mould::example);
        lay_by(&mut shelf, &moulds[0], "a", now);
        lay_by(&mut shelf, &moulds[1], "b", now + IDLE / 3);
        assert!(shelf.reserve(&moulds[2], now));
        assert_eq!(shelf.put(&moulds[2], "c", now + IDLE / 2).1, ["a"]);
    }

    #[test]
    fn after_a_failure_nobody_tries_for_a_while() {
        let (mut shelf, now) = shelf(8);
        let mould = Mould::example("one");
        assert!(shelf.reserve(&mould, now));
        shelf.failed(&mould, now);
        assert!(!shelf.reserve(&mould, now));
        assert!(shelf.reserve(&mould, now + IDLE));
    }

    #[test]
    fn none_are_made_where_none_may_be_kept() {
        let (mut shelf, now) = shelf(0);
        assert!(!shelf.reserve(&Mould::example("one"), now));
    }
}
