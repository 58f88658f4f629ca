//! What a shepherd keeps of its runner for the next server: all that it takes to go on looking after it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    LocalLauncher,
    cgroup::{self, Group},
    prepare::{Keep, KeptLimits, Walls, proxy},
    sandbox::Scratch,
};
use crate::{Address, Confinement, Start};

/// Another number for each change that an older or a newer server would misread.
const VERSION: u32 = 1;

/// In the memory of the shepherd alone: the environment holds secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept<Begun = Start, Place = Address, Files = Scratch, Groups = Vec<cgroup::Place>> {
    version: u32,
    pub(super) start: Begun,
    pub(super) address: Place,
    /// The first process inside its walls.
    first: Option<u32>,
    walled: bool,
    limits: KeptLimits,
    group: Groups,
    pub(super) scratch: Option<Files>,
    gpus: BTreeSet<u32>,
}

impl<'a> Kept<&'a Start, &'a Address, &'a Scratch, &'a [cgroup::Place]> {
    pub(super) fn of(start: &'a Start, address: &'a Address, keep: &'a Keep, first: Option<u32>) -> Self {
        Self {
            version: VERSION,
            start,
            address,
            first,
            walled: first.is_some() && matches!(start.command.confinement, Confinement::Sandbox(_)),
            limits: keep.limits,
            group: keep.group.as_deref().map(Group::places).unwrap_or_default(),
            scratch: keep.scratch.as_deref(),
            gpus: keep.gpus.as_ref().map(|lease| lease.indices.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn write(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl Kept {
    /// `None`: this server cannot go on with it.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|kept: &Self| kept.version == VERSION)
    }

    /// What the runner needs as long as it lives, in the hands of this server.
    pub(super) fn keep(self, launcher: &LocalLauncher) -> (Start, Address, Keep) {
        let Self { start, address, first, walled, limits, group, scratch, gpus, .. } = self;
        let way = match &start.command.confinement {
            Confinement::Sandbox(sandbox) => proxy(sandbox),
            Confinement::None => None,
        };
        let walls = first.filter(|_| walled).map(|first| Walls::Standing { first, proxy: way });
        let keep = Keep {
            walls,
            group: Group::again(group).map(Into::into),
            scratch: scratch.map(Into::into),
            limits,
            gpus: Some(launcher.gpus.lend_again(&gpus)),
        };
        (start, address, keep)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tintype_domain::RunnerId;

    use super::*;
    use crate::{Command, HealthCheck, Network, Sandbox};

    fn start() -> Start {
        let sandbox = Sandbox {
            binds: Vec::new(),
            copies: Vec::new(),
            network: Network::Internet { proxy: "/run/egress.sock".into() },
            cpus: Some(1.5),
            processes: 64,
            scratch_bytes: 1 << 20,
            image: None,
        };
        let health = HealthCheck {
            method: http::Method::POST,
            path: "/health".into(),
            start_period: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
            failure_threshold: 3,
            regularly: true,
        };
        Start {
            runner: RunnerId::new("r1"),
            app: "acme/app".parse().unwrap(),
            command: Command {
                env: vec![("FAL_KEY".into(), "secret".into())],
                confinement: Confinement::Sandbox(sandbox),
                health: Some(health),
                ..Command::default()
            },
            startup_timeout: Duration::from_secs(30),
            memory_limit_bytes: Some(1 << 30),
            grace: Duration::from_millis(1500),
            mark: Some("mark".into()),
        }
    }

    #[test]
    fn what_was_kept_is_read_again_with_walls_health_and_grace() {
        let dir = tempfile::tempdir().unwrap();
        let launcher = LocalLauncher::new(dir.path().into());
        let (start, address) = (start(), Address::Unix("/run/r1/http.sock".into()));
        let text = Kept::of(&start, &address, &Keep::default(), Some(7)).write().unwrap();
        let (again, at, keep) = Kept::read(&text).unwrap().keep(&launcher);
        assert_eq!((&again.command, again.grace, again.mark), (&start.command, start.grace, start.mark));
        assert_eq!(at, address);
        let Some(Walls::Standing { first: 7, proxy: Some(proxy) }) = keep.walls else { panic!("no walls") };
        assert_eq!(proxy, std::path::Path::new("/run/egress.sock"));
    }

    #[test]
    fn what_is_torn_foreign_or_of_another_version_is_not_taken_over() {
        let address = Address::Unix("/run/r1.sock".into());
        let text = Kept::of(&start(), &address, &Keep::default(), None).write().unwrap();
        assert!(Kept::read(&text).is_some());
        assert!(Kept::read(&text.replacen("\"version\":1", "\"version\":2", 1)).is_none());
        assert!(Kept::read(&text[..text.len() / 2]).is_none());
        assert!(["", "{}", "null", "[1, 2]"].into_iter().all(|text| Kept::read(text).is_none()));
    }
}
