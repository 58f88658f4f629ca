//! Requests that have just ended. Their last lines are still on the way: an answer and what its runner wrote about it
//! come by different pipes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
    time::Duration,
};

use tintype_domain::RequestId;
use tokio::time::Instant;

use crate::actor::Actor;

/// A line that needs longer than this is the runner's alone.
const LAST_LINES: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct Lately {
    order: VecDeque<(Instant, RequestId)>,
    actors: HashMap<RequestId, Weak<Actor>>,
}

impl Lately {
    pub fn add(&mut self, id: RequestId, actor: Weak<Actor>) {
        self.forget();
        self.order.push_back((Instant::now(), id));
        self.actors.insert(id, actor);
    }

    pub fn actor_of(&mut self, id: RequestId) -> Option<Arc<Actor>> {
        self.forget();
        self.actors.get(&id)?.upgrade()
    }

    fn forget(&mut self) {
        while let Some((_, id)) = self.order.pop_front_if(|(ended, _)| ended.elapsed() > LAST_LINES) {
            self.actors.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_ended_is_known_for_a_moment_and_then_forgotten() {
        let (mut lately, id) = (Lately::default(), RequestId::from_bytes([7; 16]));
        lately.add(id, Weak::new());
        assert!(lately.actors.contains_key(&id));
        tokio::time::advance(LAST_LINES * 2).await;
        assert!(lately.actor_of(id).is_none());
        assert!(lately.actors.is_empty() && lately.order.is_empty());
    }
}
