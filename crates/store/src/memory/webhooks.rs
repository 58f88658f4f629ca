//! Deliveries of webhooks.

use tintype_domain::{RequestId, Timestamp};

use super::{DueDelivery, Tables};
use crate::Delivery;

impl Tables {
    pub(super) fn due_deliveries(&self, now: Timestamp, except: &[RequestId], limit: u32) -> Vec<Delivery> {
        let wanted = |(id, delivery): &(&RequestId, &DueDelivery)| delivery.next_at <= now && !except.contains(id);
        let mut due: Vec<_> = self.deliveries.iter().filter(wanted).collect();
        due.sort_by_key(|(id, delivery)| (delivery.next_at, **id));
        due.into_iter().filter_map(|(id, delivery)| self.delivery(*id, delivery)).take(limit as usize).collect()
    }

    pub(super) fn next_delivery(&self, now: Timestamp) -> Option<Timestamp> {
        self.deliveries.values().map(|delivery| delivery.next_at).filter(|at| *at > now).min()
    }

    fn delivery(&self, id: RequestId, due: &DueDelivery) -> Option<Delivery> {
        let row = self.requests.get(&id)?;
        Some(Delivery {
            request: id,
            gateway_request_id: row.record.gateway_request_id,
            account: row.record.account.clone(),
            url: due.url.clone(),
            tries: due.tries,
            give_up_at: due.give_up_at,
            record: row.record.clone(),
            response: row.response.clone()?,
        })
    }

    pub(super) fn delivery_tried(&mut self, id: RequestId, next: Option<Timestamp>) {
        if let Some(next_at) = next {
            if let Some(due) = self.deliveries.get_mut(&id) {
                due.tries += 1;
                due.next_at = next_at;
            }
            return;
        }
        self.deliveries.remove(&id);
        // The reader was here first; the webhook was the last to need the result.
        if let Some(row) = self.requests.get_mut(&id).filter(|row| row.forgotten) {
            row.response = None;
        }
    }
}
