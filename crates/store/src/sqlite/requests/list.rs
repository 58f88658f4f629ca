//! Lists of requests, and of the apps that have any.

use rusqlite::{Connection, Row, ToSql};
use tintype_domain::{AccountId, AppId, RequestId};

use super::read::{CLOSED_RECORD, OPEN_RECORD, closed_record, open_record};
use crate::{RequestFilter, RequestRecord, sqlite::columns::Columns};

/// Newest first. Each table gives its newest; the newest of both are the answer.
pub(in crate::sqlite) fn list(connection: &Connection, filter: &RequestFilter) -> rusqlite::Result<Vec<RequestRecord>> {
    let mut records = newest(connection, "open_requests", OPEN_RECORD, filter, open_record)?;
    if !filter.open {
        let ended =
            newest(connection, "closed_requests", CLOSED_RECORD, filter, |row| closed_record(&mut Columns::of(row)))?;
        records.extend(ended);
        records.sort_by_key(|record| std::cmp::Reverse(record.id));
        records.truncate(filter.limit as usize);
    }
    Ok(records)
}

fn newest(
    connection: &Connection,
    table: &str,
    columns: &str,
    filter: &RequestFilter,
    read: fn(&Row<'_>) -> rusqlite::Result<RequestRecord>,
) -> rusqlite::Result<Vec<RequestRecord>> {
    let mut conditions = String::from("1");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let account = filter.account.as_ref().map(AccountId::as_str);
    let app = filter.app.as_ref().map(AppId::as_str);
    let before = filter.before.as_ref().map(RequestId::as_bytes);
    // Only what is asked for stands in the statement, so that each shape can use its index.
    if let Some(account) = &account {
        conditions.push_str(" AND account = ?");
        values.push(account);
    }
    if let Some(app) = &app {
        conditions.push_str(" AND app = ?");
        values.push(app);
    }
    if let Some(before) = &before {
        conditions.push_str(" AND id < ?");
        values.push(before);
    }
    values.push(&filter.limit);
    let sql = format!("SELECT {columns} FROM {table} WHERE {conditions} ORDER BY id DESC LIMIT ?");
    connection.prepare_cached(&sql)?.query_map(&values[..], read)?.collect()
}

/// Each step goes straight to the next app, however many requests the last one has.
pub(in crate::sqlite) fn apps(connection: &Connection) -> rusqlite::Result<Vec<AppId>> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE ended (app) AS (
             SELECT min(app) FROM closed_requests
             UNION ALL SELECT (SELECT min(app) FROM closed_requests WHERE app > ended.app) FROM ended
             WHERE ended.app IS NOT NULL)
         SELECT app FROM ended WHERE app IS NOT NULL UNION SELECT app FROM open_requests ORDER BY 1",
    )?;
    statement.query_map([], |row| Columns::of(row).app())?.collect()
}
