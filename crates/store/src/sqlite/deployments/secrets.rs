//! Secrets of apps, encrypted before they come here.

use rusqlite::{Connection, Row, params};
use tintype_domain::AccountId;

use super::{Checked, environments};
use crate::{
    SecretRecord, StoreError,
    sqlite::{columns::Columns, operation::Writing},
};

pub(super) fn put(writing: &Writing, secret: &SecretRecord) -> Checked {
    if !environments::known(&writing.connection, &secret.account, &secret.environment)? {
        return Ok(Err(StoreError::Missing { kind: "environment" }));
    }
    writing.execute(
        "INSERT OR REPLACE INTO secrets (account, environment, name, sealed, default_exposed, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            secret.account.as_str(),
            secret.environment,
            secret.name,
            &secret.sealed[..],
            secret.default_exposed,
            secret.created_at.as_micros(),
        ],
    )?;
    Ok(Ok(()))
}

pub(super) fn list(
    connection: &Connection,
    account: &AccountId,
    environment: Option<&str>,
) -> rusqlite::Result<Vec<SecretRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT account, environment, name, sealed, default_exposed, created_at FROM secrets
         WHERE account = ?1 AND (?2 IS NULL OR environment = ?2) ORDER BY environment, name",
    )?;
    statement.query_map(params![account.as_str(), environment], read)?.collect()
}

pub(super) fn delete(writing: &Writing, account: &AccountId, environment: &str, name: &str) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM secrets WHERE account = ?1 AND environment = ?2 AND name = ?3";
    Ok(writing.execute(sql, params![account.as_str(), environment, name])? == 1)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SecretRecord> {
    let mut columns = Columns::of(row);
    Ok(SecretRecord {
        account: columns.account()?,
        environment: columns.plain()?,
        name: columns.plain()?,
        sealed: columns.plain::<Vec<u8>>()?.into(),
        default_exposed: columns.plain()?,
        created_at: columns.time()?,
    })
}
