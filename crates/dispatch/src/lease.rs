//! A slot of a runner, held for a direct call.

use http::{Request, Response};
use tintype_domain::{AppId, ErrorType, Failure, Outcome, RequestId, RunnerId, Timestamp, Verdict, app::Event};
use tintype_store::DirectCall;

use crate::{BoxBody, RunnerBody, line::Line};

/// A slot. Dropping it without [`Lease::finish`] says that the caller went away: the runner is told to cancel, and
/// the slot comes back when the runner has ended the request.
pub struct Lease {
    /// `None` once finished.
    line: Option<Line>,
    id: RequestId,
    app: AppId,
    runner: RunnerId,
    started_at: Timestamp,
}

impl Lease {
    pub(crate) fn new(line: Line) -> Self {
        let (id, runner) = (line.id, line.link.runner.clone());
        let (app, started_at) = (line.actor.app.clone(), line.actor.house.day());
        Self { line: Some(line), id, app, runner, started_at }
    }

    pub fn runner(&self) -> &RunnerId {
        &self.runner
    }

    pub fn request(&self) -> RequestId {
        self.id
    }

    /// Sends to the runner. A 101 answer carries `hyper::upgrade::OnUpgrade` in its extensions.
    pub async fn send(&mut self, request: Request<BoxBody>) -> Result<Response<RunnerBody>, Failure> {
        let line = self.line.as_mut().expect("a lease has its line until it is finished, which consumes it");
        let answer = line.send(request).await;
        match answer {
            Err(failure) if failure.error_type == ErrorType::RunnerDisconnected => {
                Err(line.link.explain(failure).await)
            }
            answer => answer,
        }
    }

    /// What the call amounts to so far; for [`Lease::finish`].
    pub fn verdict(&self) -> Verdict {
        let line = self.line.as_ref().expect("a lease has its line until it is finished, which consumes it");
        line.verdict()
    }

    /// Resolves when the platform gives the call up: its time is over, or the server stops.
    pub async fn revoked(&mut self) -> Failure {
        let line = self.line.as_mut().expect("a lease has its line until it is finished, which consumes it");
        line.revoked().await
    }

    /// Gives the slot back. What the runner said beside its answer is added to an `Answered` verdict.
    pub fn finish(mut self, verdict: Verdict) {
        let Some(line) = self.line.take() else { return };
        let verdict = match verdict {
            Verdict::Answered { .. } if line.is_answered() => line.verdict(),
            verdict => verdict,
        };
        self.record(&line, &verdict);
        line.actor.tell(Event::Reported { id: line.id, attempt: line.attempt, verdict });
    }

    fn record(&self, line: &Line, verdict: &Verdict) {
        let (outcome, status_code, error_type) = match verdict {
            Verdict::Answered { status, .. } if *status < 400 => (Outcome::Succeeded, *status, None),
            Verdict::Answered { status, .. } => (Outcome::Failed, *status, None),
            Verdict::Broken(Failure { error_type, .. }) if error_type.status() == 499 => {
                (Outcome::Cancelled, 499, Some(*error_type))
            }
            Verdict::Broken(Failure { error_type, .. }) => (Outcome::Failed, error_type.status(), Some(*error_type)),
        };
        let house = &line.actor.house;
        house.calls.push(DirectCall {
            id: self.id,
            account: line.account.clone(),
            app: self.app.clone(),
            path: line.path.clone(),
            started_at: self.started_at,
            finished_at: house.day(),
            outcome,
            status_code: Some(status_code),
            error_type,
            runner: Some(self.runner.clone()),
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else { return };
        let gone = Verdict::broken(ErrorType::ClientDisconnected, "the caller closed the connection");
        self.record(&line, &gone);
        let actor = line.actor.clone();
        // Never here: a lease may be dropped by the actor itself, under its lock.
        actor.house.clone().spawn(async move {
            actor.tell(Event::CallerGone { id: line.id });
            line.abandon().await;
        });
    }
}
