//! Stored files.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::Timestamp;

use super::{
    columns::{Columns, to_json},
    operation::Writing,
};
use crate::{Acl, FileRecord};

const COLUMNS: &str = "id, name, account, content_type, size, digest, acl, created_at, expires_at";

/// `false`: there is one with this id.
pub(super) fn insert(writing: &Writing, file: &FileRecord) -> rusqlite::Result<bool> {
    let inserted = writing.execute(
        "INSERT INTO files (id, name, account, content_type, size, digest, acl, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            file.id,
            file.name,
            file.account.as_str(),
            file.content_type,
            file.size,
            file.digest,
            to_json(&file.acl)?,
            file.created_at.as_micros(),
            file.expires_at.map(Timestamp::as_micros),
        ],
    )?;
    Ok(inserted == 1)
}

pub(super) fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<FileRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

pub(super) fn set_acl(writing: &Writing, id: &str, acl: &Acl) -> rusqlite::Result<bool> {
    Ok(writing.execute("UPDATE files SET acl = ?2 WHERE id = ?1", params![id, to_json(acl)?])? == 1)
}

pub(super) fn delete(writing: &Writing, id: &str) -> rusqlite::Result<bool> {
    Ok(writing.execute("DELETE FROM files WHERE id = ?1", [id])? == 1)
}

pub(super) fn expired(connection: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<Vec<FileRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM files WHERE expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2");
    connection.prepare_cached(&sql)?.query_map(params![now.as_micros(), limit], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<FileRecord> {
    let mut columns = Columns::of(row);
    Ok(FileRecord {
        id: columns.plain()?,
        name: columns.plain()?,
        account: columns.account()?,
        content_type: columns.plain()?,
        size: columns.plain()?,
        digest: columns.plain()?,
        acl: columns.json()?,
        created_at: columns.time()?,
        expires_at: columns.maybe_time()?,
    })
}
