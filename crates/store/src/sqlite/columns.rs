//! How the words of the house are written in columns, and read back.

use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use tintype_domain::{AccountId, AppId, ErrorType, LogLevel, Outcome, Priority, RequestId, RunnerId, Timestamp};

use crate::{AuthMode, EventKind, KeyScope, LogSource};

pub(super) const WAITING: i64 = 0;
pub(super) const RUNNING: i64 = 1;

/// A word that is stored as its place in a list. Lists only ever grow at the end.
pub(super) trait Coded: Copy + PartialEq + 'static {
    const ALL: &'static [Self];

    fn code(self) -> i64 {
        Self::ALL.iter().position(|word| *word == self).map_or(-1, |place| place as i64)
    }
}

impl Coded for Priority {
    const ALL: &'static [Self] = &[Self::High, Self::Normal, Self::Low];
}

impl Coded for Outcome {
    const ALL: &'static [Self] = &[Self::Succeeded, Self::Failed, Self::Cancelled, Self::Expired];
}

impl Coded for EventKind {
    const ALL: &'static [Self] = &[Self::Submitted, Self::Started, Self::Requeued, Self::Finished];
}

impl Coded for LogLevel {
    const ALL: &'static [Self] = &[Self::Stderr, Self::Stdout, Self::Error, Self::Info, Self::Warn, Self::Debug];
}

impl Coded for KeyScope {
    const ALL: &'static [Self] = &[Self::Api, Self::Admin];
}

impl Coded for AuthMode {
    const ALL: &'static [Self] = &[Self::Private, Self::Public, Self::Shared];
}

impl Coded for LogSource {
    const ALL: &'static [Self] = &[Self::Builder, Self::Bridge, Self::User];
}

/// Reads columns one after another, in the order of the statement.
pub(super) struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl<'r, 's> Columns<'r, 's> {
    pub(super) fn of(row: &'r Row<'s>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn plain<T: rusqlite::types::FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    pub(super) fn time(&mut self) -> rusqlite::Result<Timestamp> {
        Ok(Timestamp::from_micros(self.plain()?))
    }

    pub(super) fn maybe_time(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.plain::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    pub(super) fn request_id(&mut self) -> rusqlite::Result<RequestId> {
        Ok(RequestId::from_bytes(self.plain()?))
    }

    pub(super) fn account(&mut self) -> rusqlite::Result<AccountId> {
        Ok(AccountId::new(self.text()?))
    }

    pub(super) fn runner(&mut self) -> rusqlite::Result<Option<RunnerId>> {
        Ok(self.plain::<Option<String>>()?.map(RunnerId::new))
    }

    pub(super) fn app(&mut self) -> rusqlite::Result<AppId> {
        let text = self.text()?;
        text.parse().map_err(|error| self.unreadable(Type::Text, error))
    }

    pub(super) fn word<T: Coded>(&mut self) -> rusqlite::Result<T> {
        let code: i64 = self.plain()?;
        self.decode(code)
    }

    pub(super) fn maybe_word<T: Coded>(&mut self) -> rusqlite::Result<Option<T>> {
        let code: Option<i64> = self.plain()?;
        code.map(|code| self.decode(code)).transpose()
    }

    pub(super) fn error_type(&mut self) -> rusqlite::Result<Option<ErrorType>> {
        let Some(name) = self.plain::<Option<String>>()? else { return Ok(None) };
        let known = ErrorType::ALL.into_iter().find(|word| word.as_str() == name);
        known.map(Some).ok_or_else(|| self.unreadable(Type::Text, Unreadable))
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(Type::Text, error))
    }

    pub(super) fn text(&mut self) -> rusqlite::Result<String> {
        self.plain()
    }

    fn decode<T: Coded>(&self, code: i64) -> rusqlite::Result<T> {
        let word = usize::try_from(code).ok().and_then(|place| T::ALL.get(place));
        word.copied().ok_or_else(|| self.unreadable(Type::Integer, Unreadable))
    }

    /// About the column that was read last.
    fn unreadable(&self, kind: Type, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(self.next - 1, kind, Box::new(error))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the stored word is not known to this version")]
struct Unreadable;

pub(super) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
