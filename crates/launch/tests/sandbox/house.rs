//! A launcher with walls, and programs to put inside.

use std::{fs, path::PathBuf, time::Duration};

use tempfile::TempDir;
use tintype_domain::RunnerId;
use tintype_launch::{
    Bind, Command, Confinement, Copy, ExitReason, Launcher, LocalLauncher, Network, Occurrence, Pace, Readiness,
    Sandbox, Sandboxing, Start, Started, capability,
};

pub struct House {
    pub dir: TempDir,
    pub launcher: LocalLauncher,
}

impl House {
    /// `None` where the machine makes no sandbox.
    pub fn new() -> Option<Self> {
        if let Err(obstacle) = capability().sandbox {
            eprintln!("not tested: {obstacle}");
            return None;
        }
        Some(Self::with(Sandboxing::Required))
    }

    pub fn with(sandboxing: Sandboxing) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("volume")).unwrap();
        fs::create_dir_all(dir.path().join("app")).unwrap();
        fs::write(dir.path().join("app/file"), "of the app").unwrap();
        let pace = Pace { app_period: Duration::from_millis(50), ..Pace::default() };
        let launcher = LocalLauncher::new(dir.path().join("run"))
            .with_pace(pace)
            .with_sandbox(sandboxing, dir.path().join("scratch"));
        Self { dir, launcher }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn sandbox(&self) -> Sandbox {
        Sandbox {
            binds: vec![Bind { from: self.path("volume"), to: "/data".into(), writable: true }],
            copies: vec![Copy { from: self.path("app"), to: "/app".into() }],
            network: Network::None,
            cpus: None,
            processes: 64,
            scratch_bytes: 64 << 20,
            image: None,
        }
    }

    pub fn shell(&self, script: &str) -> Start {
        self.start("/bin/sh", &["-c", script, "sh", "{socket}"])
    }

    pub fn python(&self, script: &str) -> Start {
        self.start("/usr/bin/python3", &["-c", script, "{socket}"])
    }

    fn start(&self, program: &str, args: &[&str]) -> Start {
        Start {
            runner: RunnerId::new("r1"),
            app: "acme/app".parse().unwrap(),
            command: Command {
                program: program.into(),
                args: args.iter().map(ToString::to_string).collect(),
                env: vec![("FAL_KEY".into(), "secret".into())],
                workdir: Some("/app".into()),
                readiness: Readiness::Never,
                confinement: Confinement::Sandbox(self.sandbox()),
                ..Command::default()
            },
            startup_timeout: Duration::from_secs(30),
            memory_limit_bytes: Some(512 << 20),
            grace: Duration::from_secs(10),
            mark: None,
        }
    }

    /// Runs it to its end: what it wrote, and why it ended.
    pub async fn run(&self, start: Start) -> (String, ExitReason) {
        let mut started = self.launcher.start(start).await.unwrap();
        end(&mut started).await
    }
}

pub fn sandbox_of(start: &mut Start) -> &mut Sandbox {
    match &mut start.command.confinement {
        Confinement::Sandbox(sandbox) => sandbox,
        Confinement::None => panic!("no sandbox"),
    }
}

pub async fn end(started: &mut Started) -> (String, ExitReason) {
    let mut text = String::new();
    while let Some(occurrence) = started.occurrences.recv().await {
        match occurrence {
            Occurrence::Log { message, .. } => text.push_str(&(message + "\n")),
            Occurrence::Exited { reason } => return (text, reason),
            _ => {}
        }
    }
    panic!("the end was not told: {text}");
}

pub async fn first_line(started: &mut Started) -> String {
    while let Some(occurrence) = started.occurrences.recv().await {
        match occurrence {
            Occurrence::Log { message, .. } => return message,
            Occurrence::Exited { reason } => panic!("{reason}"),
            _ => {}
        }
    }
    panic!("the occurrences ended");
}
