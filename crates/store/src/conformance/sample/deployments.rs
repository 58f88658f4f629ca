//! Deployments and runners to test with.

use bytes::Bytes;
use tintype_domain::{LogLevel, RevisionId, RunnerId};

use super::{account, app, at};
use crate::{
    AliasRecord, AuthMode, EnvironmentRecord, LogSource, MAIN_ENVIRONMENT, RevisionRecord, RunnerLog, RunnerLogFilter,
    RunnerRecord, SecretRecord,
};

pub fn revision_id(n: u8) -> RevisionId {
    RevisionId::new(format!("revision-{n}"))
}

/// Deployed at second `n`, as Ann's `ann/draw`.
pub fn revision(n: u8) -> RevisionRecord {
    RevisionRecord {
        id: revision_id(n),
        account: account("ann"),
        app: app("ann/draw"),
        environment: MAIN_ENVIRONMENT.into(),
        created_at: at(u64::from(n)),
        definition: format!("{{\"n\":{n}}}"),
    }
}

/// Ann's alias, set to the revision at second `n`.
pub fn alias(name: &str, n: u8) -> AliasRecord {
    AliasRecord {
        app: app(name),
        account: account("ann"),
        environment: MAIN_ENVIRONMENT.into(),
        revision: revision_id(n),
        auth_mode: AuthMode::Private,
        scaling: "{}".into(),
        updated_at: at(u64::from(n)),
    }
}

pub fn environment(name: &str) -> EnvironmentRecord {
    EnvironmentRecord {
        account: account("ann"),
        name: name.into(),
        description: Some("to try things".into()),
        created_at: at(1),
    }
}

pub fn secret(environment: &str, name: &str) -> SecretRecord {
    SecretRecord {
        account: account("ann"),
        environment: environment.into(),
        name: name.into(),
        sealed: Bytes::from_static(b"\x00\xff"),
        default_exposed: true,
        created_at: at(1),
    }
}

pub fn runner_id(n: u8) -> RunnerId {
    RunnerId::new(format!("runner-{n}"))
}

/// Made at second `n`, alive.
pub fn living(n: u8) -> RunnerRecord {
    RunnerRecord {
        runner: runner_id(n),
        account: account("ann"),
        app: app("ann/draw"),
        revision: Some(revision_id(n)),
        machine_type: "S".into(),
        created_at: at(u64::from(n)),
        started_at: Some(at(u64::from(n) + 1)),
        ready_at: None,
        ended_at: None,
        reason: None,
        timeline: "[]".into(),
    }
}

/// As [`living`], but it ended at `secs`.
pub fn ended(n: u8, secs: u64) -> RunnerRecord {
    RunnerRecord { ended_at: Some(at(secs)), reason: Some("idle".into()), ..living(n) }
}

pub fn runner_line(n: u8, secs: u64, message: &str) -> RunnerLog {
    RunnerLog {
        seq: 0,
        runner: runner_id(n),
        app: app("ann/draw"),
        timestamp: at(secs),
        level: LogLevel::Stdout,
        source: LogSource::User,
        message: message.into(),
        request: None,
        endpoint: None,
    }
}

/// All lines of a runner.
pub fn lines_of(n: u8) -> RunnerLogFilter {
    RunnerLogFilter { runner: runner_id(n), since: None, until: None, search: None, limit: u32::MAX }
}
