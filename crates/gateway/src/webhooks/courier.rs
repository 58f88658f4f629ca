//! The loop: reads what is due, tries it, writes down how it went.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tintype_domain::{Clock, RequestId, Timestamp};
use tintype_outbound::Outbound;
use tintype_store::{Delivery, Store, StoreError};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    WebhookKeys, message,
    schedule::{Verdict, next, timeout},
};
use crate::Gateway;

/// Deliveries under way at one time.
const CONCURRENT: usize = 64;
/// The store tells of every new delivery and when the next one falls due; this only makes up for a clock that was set.
pub(super) const PERIOD: Duration = Duration::from_secs(5);
/// What deliveries that are under way may still take when the server stops. Those cut off are repeated.
const GRACE: Duration = Duration::from_secs(2);
/// Pause before a delivery that the store would not note is noted again.
const NOTE_AGAIN: Duration = Duration::from_secs(5);

pub(crate) struct Courier {
    desk: Arc<Desk>,
    under_way: JoinSet<Done>,
    /// What the store calls due while it is being delivered.
    taken: HashSet<RequestId>,
    /// More is due than could be taken up.
    backlog: bool,
    look_at: Instant,
}

/// A delivery that was tried.
pub(crate) struct Done {
    id: RequestId,
    /// When it is tried again.
    next: Option<Timestamp>,
}

/// What one delivery needs.
pub(crate) struct Desk {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub outbound: Arc<Outbound>,
    pub keys: Arc<WebhookKeys>,
    /// Counted from the end of the request; the store may end it earlier.
    pub give_up: Duration,
}

enum Occurrence {
    Stop,
    Look,
    Done(Done),
}

impl Courier {
    pub(crate) fn new(desk: Desk) -> Self {
        Self {
            desk: Arc::new(desk),
            under_way: JoinSet::new(),
            taken: HashSet::new(),
            backlog: false,
            look_at: Instant::now(),
        }
    }

    pub(crate) fn of(gateway: &Gateway) -> Self {
        Self::new(Desk {
            store: Arc::clone(&gateway.store),
            clock: Arc::clone(&gateway.clock),
            outbound: Arc::clone(&gateway.outbound),
            keys: Arc::clone(&gateway.webhook_keys),
            give_up: gateway.options.webhook_give_up,
        })
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut made = self.desk.store.deliveries_made();
        loop {
            let occurrence = tokio::select! {
                biased;
                () = stop.cancelled() => Occurrence::Stop,
                Some(done) = self.under_way.join_next() => match done {
                    Ok(done) => Occurrence::Done(done),
                    // The panic is reported where it happened; the delivery stays due, and `taken` keeps it from being
                    // tried again before the next start.
                    Err(_) => continue,
                },
                // A store that has closed will tell nothing more.
                Ok(()) = made.changed() => Occurrence::Look,
                () = sleep_until(self.look_at) => Occurrence::Look,
            };
            match occurrence {
                Occurrence::Stop => break,
                Occurrence::Look => self.take_up().await,
                Occurrence::Done(done) => self.put_down(&done).await,
            }
        }
        // Who is still waiting then is asked again after the next start.
        let _ = tokio::time::timeout(GRACE, async { while self.under_way.join_next().await.is_some() {} }).await;
    }

    async fn take_up(&mut self) {
        self.look_at = Instant::now() + PERIOD;
        let now = self.desk.clock.now();
        let room = CONCURRENT.saturating_sub(self.under_way.len());
        self.backlog = true;
        if room > 0 {
            let at_hand: Vec<_> = self.taken.iter().copied().collect();
            match self.desk.store.due_deliveries(now, &at_hand, room as u32).await {
                Ok(due) => self.send_out(due, room),
                Err(error) => return tracing::warn!(%error, "could not read which webhooks are due"),
            }
        }
        match self.desk.store.next_delivery(now).await {
            Ok(next) => self.look_no_later_than(next),
            Err(error) => tracing::warn!(%error, "could not read when the next webhook is due"),
        }
    }

    fn send_out(&mut self, due: Vec<Delivery>, room: usize) {
        self.backlog = due.len() == room;
        for delivery in due {
            self.taken.insert(delivery.request);
            let desk = Arc::clone(&self.desk);
            self.under_way.spawn(async move { desk.deliver(delivery).await });
        }
    }

    async fn put_down(&mut self, done: &Done) {
        self.taken.remove(&done.id);
        self.look_no_later_than(done.next);
        // Not for each one: a look costs about as much for many as for one.
        if self.backlog && self.under_way.len() <= CONCURRENT / 2 {
            self.take_up().await;
        }
    }

    fn look_no_later_than(&mut self, moment: Option<Timestamp>) {
        if let Some(moment) = moment {
            self.look_at = self.look_at.min(Instant::now() + moment.since(self.desk.clock.now()));
        }
    }
}

impl Desk {
    pub(crate) async fn deliver(&self, delivery: Delivery) -> Done {
        let id = delivery.request;
        let body = message::body(&delivery);
        let headers = message::headers(&delivery, &body, &self.keys, self.clock.now());
        let outcome = self.outbound.deliver(&delivery.url, headers, body, timeout(delivery.tries)).await;
        let verdict = Verdict::of(&outcome);
        // Nothing is repeated before it is noted: a store that refuses must not become a flood at the receiver.
        loop {
            match self.note(&delivery, verdict.clone()).await {
                Ok(next) => return Done { id, next },
                Err(error) => {
                    tracing::warn!(request.id = %id, %error, "could not note the delivery of the webhook of {id}");
                }
            }
            tokio::time::sleep(NOTE_AGAIN).await;
        }
    }

    /// When to try again comes back.
    async fn note(&self, delivery: &Delivery, verdict: Verdict) -> Result<Option<Timestamp>, StoreError> {
        let id = delivery.request;
        let (next, error) = match verdict {
            Verdict::Delivered => (None, None),
            Verdict::Hopeless(error) => (None, Some(error)),
            Verdict::Again(error) => {
                let ended = delivery.record.finished_at.unwrap_or(delivery.give_up_at);
                let give_up_at = delivery.give_up_at.min(ended.plus(self.give_up));
                (next(delivery.tries + 1, self.clock.now(), give_up_at), Some(error))
            }
        };
        if let (None, Some(error)) = (next, &error) {
            tracing::warn!(request.id = %id, tries = delivery.tries + 1, "gave up on the webhook of {id}: {error}");
        }
        self.store.delivery_tried(id, next, error).await?;
        Ok(next)
    }
}
