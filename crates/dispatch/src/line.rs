//! One attempt's way to its runner: what is added to the request, what is learned from the answer.

use std::{future::Future, pin::Pin, sync::Arc};

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tintype_domain::{AccountId, Attempt, ErrorType, Failure, RequestId, Verdict, app::Event};
use tokio::sync::oneshot;

use crate::{
    BoxBody, RunnerBody,
    actor::Actor,
    asks,
    body::{Rest, discard},
    headers::{self, Word},
    link::{Link, Sender},
};

type Sending = Pin<Box<dyn Future<Output = Result<(Response<Incoming>, Sender), Failure>> + Send>>;

/// An attempt on a runner.
pub(crate) struct Line {
    pub actor: Arc<Actor>,
    pub link: Arc<Link>,
    pub id: RequestId,
    pub attempt: Attempt,
    pub account: AccountId,
    pub path: String,
    pub lifecycle: Option<String>,
    /// The machine gave the attempt up; `None` once that was heard, or cannot come any more.
    revoked: Option<oneshot::Receiver<Failure>>,
    /// A request on its way. It outlives the future that awaits it, so that a caller who leaves does not tear the
    /// connection from under the runner. Never locked: the lock makes it shareable, as only `&mut` reaches it.
    sending: Mutex<Option<Sending>>,
    rest: Arc<Rest>,
    answered: Option<(u16, Word)>,
    failed: Option<Failure>,
}

impl Line {
    pub fn new(
        actor: Arc<Actor>,
        link: Arc<Link>,
        id: RequestId,
        attempt: Attempt,
        revoked: oneshot::Receiver<Failure>,
    ) -> Self {
        Self {
            actor,
            link,
            id,
            attempt,
            account: AccountId::new(""),
            path: String::new(),
            lifecycle: None,
            revoked: Some(revoked),
            sending: Mutex::new(None),
            rest: Arc::default(),
            answered: None,
            failed: None,
        }
    }

    /// Sends, and hears the head of the answer.
    pub async fn send(&mut self, request: Request<BoxBody>) -> Result<Response<RunnerBody>, Failure> {
        let (link, request) = (self.link.clone(), self.dress(request)?);
        let sending: Sending = Box::pin(async move { link.send(request).await });
        let sending = self.sending.get_mut().insert(sending);
        let answer = tokio::select! {
            biased;
            failure = revoked(&mut self.revoked) => Err(failure),
            answer = sending => answer,
        };
        *self.sending.get_mut() = None;
        match answer {
            Ok((answer, sender)) => Ok(self.hear(answer, sender)),
            Err(failure) => {
                self.failed = Some(failure.clone());
                Err(failure)
            }
        }
    }

    fn hear(&mut self, mut answer: Response<Incoming>, sender: Sender) -> Response<RunnerBody> {
        let status = answer.status().as_u16();
        let word = headers::clean_answer(status, answer.headers_mut());
        if let Some(hints) = &word.hints {
            let event = Event::RunnerHints { runner: self.link.runner.clone(), hints: hints.clone() };
            self.actor.tell(event);
        }
        if word.health_check {
            self.link.check.notify_one();
        }
        self.answered = Some((status, word));
        let (link, rest) = (self.link.clone(), self.rest.clone());
        answer.map(|incoming| match status {
            101 => RunnerBody::upgraded(link, rest),
            _ => RunnerBody::new(incoming, sender, link, rest),
        })
    }

    /// What the attempt amounts to so far.
    pub fn verdict(&self) -> Verdict {
        match (&self.answered, &self.failed) {
            (Some(_), _) if self.rest.is_broken() => {
                Verdict::broken(ErrorType::RunnerIncompleteResponse, "the runner broke off its answer")
            }
            (Some((status, word)), _) => {
                Verdict::Answered { status: *status, needs_retry: word.needs_retry, stop_runner: word.stop_runner }
            }
            (None, Some(failure)) => Verdict::Broken(failure.clone()),
            // Nothing was sent, so nothing can be held against the runner.
            (None, None) => Verdict::broken(ErrorType::ClientDisconnected, "nothing was sent to the runner"),
        }
    }

    pub fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    fn dress(&self, mut request: Request<BoxBody>) -> Result<Request<BoxBody>, Failure> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        *request.uri_mut() = target.parse().map_err(|_| unsendable("path"))?;
        let headers = request.headers_mut();
        headers::clean_request(headers);
        let token = (self.actor.house.parts.cdn_token)(&self.account, self.lifecycle.as_deref());
        headers.insert(http::header::HOST, HeaderValue::from_static("runner"));
        headers.insert(headers::REQUEST_ID, value(&self.id.to_string(), "request id")?);
        headers.insert(headers::ENDPOINT, value(endpoint(&self.path), "path")?);
        headers.insert(headers::CDN_TOKEN, value(&token, "token")?);
        Ok(request)
    }

    /// Resolves when the machine gives the attempt up.
    pub async fn revoked(&mut self) -> Failure {
        revoked(&mut self.revoked).await
    }

    /// Tells the runner that the request is cancelled, and waits until it has ended it or the machine gives up.
    pub async fn abandon(mut self) {
        if self.sending.get_mut().is_some() || self.answered.is_some() {
            let (sending, rest) = (self.sending.get_mut().take(), self.rest.clone());
            let (actor, link) = (self.actor.clone(), self.link.clone());
            let told = async {
                if asks::cancel(&link, &self.path, self.id, || true).await {
                    actor.tell(Event::CancelAccepted { id: self.id, attempt: self.attempt });
                }
                // Whether it listens or not, the slot is in use until the runner has ended the request.
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = ended(sending, &rest) => {}
                _ = revoked(&mut self.revoked) => {}
                () = told => {}
            }
        }
        let verdict = Verdict::broken(ErrorType::ClientDisconnected, "the caller closed the connection");
        self.actor.tell(Event::Reported { id: self.id, attempt: self.attempt, verdict });
    }
}

/// Resolves when the runner has ended the request.
async fn ended(sending: Option<Sending>, rest: &Rest) {
    match sending {
        Some(sending) => {
            if let Ok((answer, _sender)) = sending.await {
                discard(answer.into_body()).await;
            }
        }
        None => rest.drain().await,
    }
}

async fn revoked(receiver: &mut Option<oneshot::Receiver<Failure>>) -> Failure {
    if let Some(waiting) = receiver {
        let heard = waiting.await;
        *receiver = None;
        if let Ok(failure) = heard {
            return failure;
        }
    }
    std::future::pending().await
}

fn endpoint(path: &str) -> &str {
    match without_query(path) {
        "" => "/",
        path => path,
    }
}

/// A request that was queued by `GET` keeps its query behind its path.
pub(crate) fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

fn value(text: &str, what: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| unsendable(what))
}

fn unsendable(what: &str) -> Failure {
    Failure::new(ErrorType::BadRequest, format!("the {what} of the request cannot be sent to a runner"))
}
