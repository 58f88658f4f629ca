//! The tables, and how an older data folder comes to have them. Forward only.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// In order; the version of a database is the number of the last one applied. Never edit one that was released.
const MIGRATIONS: &[(&str, &str)] = &[
    ("first", include_str!("migrations/0001_first.sql")),
    ("deployments", include_str!("migrations/0002_deployments.sql")),
];

#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("it was written by a newer version (schema {found}; this one knows {known})")]
    Newer { found: usize, known: usize },
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Applies what is missing, in one transaction: an update that fails leaves the database as it was.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    migrate_up_to(connection, MIGRATIONS.len())
}

fn migrate_up_to(connection: &mut Connection, newest: usize) -> Result<(), SchemaError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_versions (
            version INTEGER NOT NULL PRIMARY KEY, -- number of the migration, from 1
            name TEXT NOT NULL                    -- its name, for people
        ) STRICT, WITHOUT ROWID",
    )?;
    let found = version(&transaction)?;
    if found > MIGRATIONS.len() {
        return Err(SchemaError::Newer { found, known: MIGRATIONS.len() });
    }
    for (index, (name, sql)) in MIGRATIONS.iter().enumerate().take(newest).skip(found) {
        transaction.execute_batch(sql)?;
        transaction.execute("INSERT INTO schema_versions (version, name) VALUES (?1, ?2)", params![index + 1, name])?;
    }
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let newest = connection.query_row("SELECT max(version) FROM schema_versions", [], |row| row.get(0)).optional()?;
    Ok(newest.flatten().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_database_gets_every_version_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), MIGRATIONS.len());
    }

    #[test]
    fn an_older_database_keeps_what_it_holds() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_up_to(&mut connection, 1).unwrap();
        let key = "INSERT INTO keys VALUES ('k', 'ann', 'laptop', 0, zeroblob(32), 1, NULL)";
        connection.execute(key, []).unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), MIGRATIONS.len());
        let alias: String = connection.query_row("SELECT alias FROM keys", [], |row| row.get(0)).unwrap();
        assert_eq!(alias, "laptop");
        connection.execute("INSERT INTO environments VALUES ('ann', 'dev', NULL, 1)", []).unwrap();
    }

    #[test]
    fn a_database_from_a_newer_version_is_refused_and_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.execute("INSERT INTO schema_versions VALUES (99, 'from the future')", []).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert_eq!(error.to_string(), "it was written by a newer version (schema 99; this one knows 2)");
        assert_eq!(version(&connection).unwrap(), 99);
    }

    #[test]
    fn every_table_column_and_index_says_what_it_is_for() {
        for (_, sql) in MIGRATIONS {
            let lines: Vec<_> = sql.lines().collect();
            for (number, line) in lines.iter().enumerate() {
                let column = line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(|c: char| c.is_lowercase()));
                assert!(!column || line.contains("-- "), "{line}");
                assert!(!line.starts_with("CREATE") || lines[number - 1].starts_with("--"), "{line}");
            }
        }
    }
}
