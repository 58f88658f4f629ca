//! The loop: reads what is due, tries it, writes down how it went.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tintype_domain::{Clock, RequestId};
use tintype_outbound::Outbound;
use tintype_store::{Delivery, Store};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    WebhookKeys, message,
    schedule::{Verdict, next, timeout},
};
use crate::Gateway;

/// Deliveries under way at one time.
const CONCURRENT: usize = 64;
/// How soon a new result is noticed.
const PERIOD: Duration = Duration::from_millis(250);
/// What deliveries that are under way may still take when the server stops. Those cut off are repeated.
const GRACE: Duration = Duration::from_secs(2);
/// Pause before a delivery that the store would not note is noted again.
const NOTE_AGAIN: Duration = Duration::from_secs(5);

pub(crate) struct Courier {
    desk: Arc<Desk>,
    under_way: JoinSet<RequestId>,
    /// What the store calls due while it is being delivered.
    taken: HashSet<RequestId>,
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
    Tick,
    Done(RequestId),
}

impl Courier {
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk: Arc::new(desk), under_way: JoinSet::new(), taken: HashSet::new() }
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
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let occurrence = tokio::select! {
                biased;
                () = stop.cancelled() => Occurrence::Stop,
                Some(done) = self.under_way.join_next() => match done {
                    Ok(id) => Occurrence::Done(id),
                    // The panic is reported where it happened; the delivery stays due, and `taken` keeps it from being
                    // tried again before the next start.
                    Err(_) => continue,
                },
                _ = period.tick() => Occurrence::Tick,
            };
            match occurrence {
                Occurrence::Stop => break,
                Occurrence::Tick => self.take_up().await,
                Occurrence::Done(id) => {
                    self.taken.remove(&id);
                }
            }
        }
        // Who is still waiting then is asked again after the next start.
        let _ = tokio::time::timeout(GRACE, async { while self.under_way.join_next().await.is_some() {} }).await;
    }

    async fn take_up(&mut self) {
        let room = CONCURRENT.saturating_sub(self.under_way.len());
        if room == 0 {
            return;
        }
        let limit = u32::try_from(self.taken.len() + room).unwrap_or(u32::MAX);
        let due = match self.desk.store.due_deliveries(self.desk.clock.now(), limit).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "could not read which webhooks are due");
                return;
            }
        };
        for delivery in due.into_iter().take(room + self.taken.len()) {
            if self.under_way.len() < CONCURRENT && self.taken.insert(delivery.request) {
                let desk = Arc::clone(&self.desk);
                self.under_way.spawn(async move { desk.deliver(delivery).await });
            }
        }
    }
}

impl Desk {
    pub(crate) async fn deliver(&self, delivery: Delivery) -> RequestId {
        let id = delivery.request;
        let body = message::body(&delivery);
        let headers = message::headers(&delivery, &body, &self.keys, self.clock.now());
        let outcome = self.outbound.deliver(&delivery.url, headers, body, timeout(delivery.tries)).await;
        let verdict = Verdict::of(&outcome);
        // Nothing is repeated before it is noted: a store that refuses must not become a flood at the receiver.
        while let Err(error) = self.note(&delivery, verdict.clone()).await {
            tracing::warn!(request.id = %id, %error, "could not note the delivery of the webhook of {id}");
            tokio::time::sleep(NOTE_AGAIN).await;
        }
        id
    }

    async fn note(&self, delivery: &Delivery, verdict: Verdict) -> Result<(), tintype_store::StoreError> {
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
        self.store.delivery_tried(id, next, error).await
    }
}
