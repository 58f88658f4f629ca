//! A row on its way from the open requests to the closed ones.

use rusqlite::{OptionalExtension, params};
use tintype_domain::{AccountId, AppId, Attempt, RequestId};

use crate::{
    Finish,
    sqlite::{
        columns::{Coded, Columns, RUNNING, WAITING},
        operation::Writing,
    },
};

pub(super) struct Closing {
    id: RequestId,
    pub(super) arrival: i64,
    pub(super) account: AccountId,
    pub(super) app: AppId,
    path: String,
    /// Copied as they stand.
    priority: i64,
    attempts: i64,
    gateway_request_id: [u8; 16],
    runner: Option<String>,
    submitted_at: i64,
    started_at: Option<i64>,
    pub(super) webhook: Option<String>,
    pub(super) keep_payloads: bool,
    key_expires_at: Option<i64>,
}

/// Takes the row out of the claim path if it is in the state that the reporter believes it to be in.
pub(super) fn take_open(writing: &Writing, id: RequestId, by: Option<Attempt>) -> rusqlite::Result<Option<Closing>> {
    let state = if by.is_some() { RUNNING } else { WAITING };
    let mut statement = writing.connection.prepare_cached(
        "DELETE FROM open_requests WHERE id = ?1 AND state = ?2 AND (?3 IS NULL OR attempts = ?3)
         RETURNING arrival, account, app, path, priority, attempts, gateway_request_id, runner, submitted_at,
             started_at, webhook, keep_payloads, key_expires_at",
    )?;
    let closing = statement.query_row(params![id.as_bytes(), state, by.map(|attempt| attempt.0)], |row| {
        let mut columns = Columns::of(row);
        Ok(Closing {
            id,
            arrival: columns.plain()?,
            account: columns.account()?,
            app: columns.app()?,
            path: columns.plain()?,
            priority: columns.plain()?,
            attempts: columns.plain()?,
            gateway_request_id: columns.plain()?,
            runner: columns.plain()?,
            submitted_at: columns.plain()?,
            started_at: columns.plain()?,
            webhook: columns.plain()?,
            keep_payloads: columns.plain()?,
            key_expires_at: columns.plain()?,
        })
    });
    closing.optional()
}

impl Closing {
    pub(super) fn close(&self, writing: &Writing, finish: &Finish) -> rusqlite::Result<usize> {
        writing.execute(
            "INSERT INTO closed_requests (id, arrival, account, app, path, priority, outcome, attempts,
                 gateway_request_id, runner, submitted_at, started_at, finished_at, status_code, error, error_type,
                 expires_at, direct, keep_payloads, key_expires_at, sweep_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 0, ?18, ?19, ?17)",
            params![
                self.id.as_bytes(),
                self.arrival,
                self.account.as_str(),
                self.app.as_str(),
                self.path,
                self.priority,
                finish.outcome.code(),
                self.attempts,
                self.gateway_request_id,
                self.runner,
                self.submitted_at,
                self.started_at,
                finish.at.as_micros(),
                finish.response.status,
                finish.error,
                finish.error_type.map(tintype_domain::ErrorType::as_str),
                finish.expires_at.as_micros(),
                self.keep_payloads,
                self.key_expires_at,
            ],
        )
    }
}
