//! Files that have an address but not all their bytes yet.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tintype_domain::Timestamp;

use super::{
    columns::{Columns, to_json},
    files,
    operation::Writing,
};
use crate::{FileRecord, Upload};

const COLUMNS: &str = "id, file, name, account, content_type, acl, lifetime, created_at, expires_at";

/// What became of an upload that was to become a file.
pub(super) enum Completed {
    Yes,
    NoUpload,
    FileExists,
}

/// `false`: there is one with this id.
pub(super) fn insert(writing: &Writing, upload: &Upload) -> rusqlite::Result<bool> {
    let inserted = writing.execute(
        "INSERT INTO uploads (id, file, name, account, content_type, acl, lifetime, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            upload.id,
            upload.file,
            upload.name,
            upload.account.as_str(),
            upload.content_type,
            to_json(&upload.acl)?,
            upload.lifetime.map(|lifetime| i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX)),
            upload.created_at.as_micros(),
            upload.expires_at.as_micros(),
        ],
    )?;
    Ok(inserted == 1)
}

pub(super) fn find(connection: &Connection, id: &str) -> rusqlite::Result<Option<Upload>> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

pub(super) fn complete(writing: &Writing, id: &str, file: &FileRecord) -> rusqlite::Result<Completed> {
    let known = writing.connection.prepare_cached("SELECT 1 FROM uploads WHERE id = ?1")?.exists([id])?;
    if !known {
        return Ok(Completed::NoUpload);
    }
    if !files::insert(writing, file)? {
        return Ok(Completed::FileExists);
    }
    delete(writing, id)?;
    Ok(Completed::Yes)
}

pub(super) fn delete(writing: &Writing, id: &str) -> rusqlite::Result<()> {
    writing.execute("DELETE FROM uploads WHERE id = ?1", [id])?;
    Ok(())
}

pub(super) fn expired(connection: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<Vec<Upload>> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE expires_at <= ?1 ORDER BY expires_at, id LIMIT ?2");
    connection.prepare_cached(&sql)?.query_map(params![now.as_micros(), limit], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Upload> {
    let mut columns = Columns::of(row);
    Ok(Upload {
        id: columns.plain()?,
        file: columns.plain()?,
        name: columns.plain()?,
        account: columns.account()?,
        content_type: columns.plain()?,
        acl: columns.json()?,
        lifetime: columns.plain::<Option<u64>>()?.map(Duration::from_micros),
        created_at: columns.time()?,
        expires_at: columns.time()?,
    })
}
