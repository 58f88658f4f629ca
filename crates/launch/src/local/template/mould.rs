//! What of a command is the same for all runners that may come from one template.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tintype_domain::{AppId, RunnerId};

use crate::{Bind, Command, Confinement, Copy, Readiness, Sandbox, Start, Template, local::sandbox::RUN};

/// The file that a template runs, where it lies inside.
pub(super) const PROGRAM: &str = "template.py";
/// Stands for the number of the descriptor by which a template is spoken to.
const CONTROL: &str = "{control}";
/// A variable that begins like this acts when the interpreter or a module begins, so a template must be born with it.
const EARLY: [&str; 22] = [
    "CUDA_",
    "GLIBC_",
    "GRPC_",
    "HOME",
    "LANG",
    "LC_",
    "LD_",
    "MALLOC_",
    "MKL_",
    "NUMEXPR_",
    "OMP_",
    "OPENBLAS_",
    "OPENSSL_",
    "PATH",
    "PROMETHEUS_",
    "PYDANTIC_",
    "PYTHON",
    "PYTORCH_",
    "SSL_",
    "TORCH_",
    "TZ",
    "VIRTUAL_ENV",
];

/// How a template is started. Runners with equal moulds may come from the same template: they have the same
/// environment, account, limits and way to the network.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::local) struct Mould {
    command: Command,
    memory_limit_bytes: Option<u64>,
}

/// Something of an app that a template gets when it becomes a runner of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Baggage {
    pub(super) from: PathBuf,
    /// Which of the template's private folders it goes into, and where in it.
    pub(super) folder: usize,
    pub(super) name: PathBuf,
}

impl Mould {
    /// `empty` is an empty folder: files of the app are brought when it is known. `None`: such a runner comes from no
    /// template.
    pub(in crate::local) fn of(start: &Start, empty: &Path) -> Option<Self> {
        let command = &start.command;
        let (Some(template), Confinement::Sandbox(sandbox)) = (&command.template, &command.confinement) else {
            return None;
        };
        let (script, rest) = command.args.split_first()?;
        let by_port = rest.iter().any(|arg| arg.contains("{port}"));
        // A device belongs to a runner that works, and a job is started once.
        if by_port
            || Path::new(script).extension() != Some("py".as_ref())
            || command.gpus > 0
            || command.readiness == Readiness::Never
        {
            return None;
        }
        if sandbox.image.is_some() {
            return None;
        }
        // What is brought is a copy: what the runner writes in it would reach nobody.
        if sandbox.binds.iter().any(|bind| bind.writable && late(bind, template).is_some()) {
            return None;
        }
        let mut args = vec![Path::new(RUN).join(PROGRAM).display().to_string(), CONTROL.into(), script.clone()];
        args.extend(template.imports.iter().cloned());
        let command = Command {
            program: command.program.clone(),
            args,
            env: command.env.iter().filter(|(name, _)| is_early(name)).cloned().collect(),
            readiness: Readiness::Never,
            confinement: Confinement::Sandbox(without_app(sandbox, template, empty)),
            template: Some(template.clone()),
            ..Command::default()
        };
        Some(Self { command, memory_limit_bytes: start.memory_limit_bytes })
    }

    /// The start of a template that is spoken to by this descriptor.
    pub(super) fn start(&self, app: &AppId, name: &str, control: i32) -> Start {
        let mut command = self.command.clone();
        for arg in command.args.iter_mut().filter(|arg| *arg == CONTROL) {
            *arg = control.to_string();
        }
        Start {
            runner: RunnerId::new(name),
            app: app.clone(),
            command,
            startup_timeout: Duration::MAX,
            memory_limit_bytes: self.memory_limit_bytes,
            grace: Duration::ZERO,
            mark: None,
        }
    }
}

/// What the walls of a template lack to be those of this runner.
pub(super) fn baggage(start: &Start) -> Vec<Baggage> {
    let (Some(template), Confinement::Sandbox(sandbox)) = (&start.command.template, &start.command.confinement) else {
        return Vec::new();
    };
    let copies = sandbox.copies.iter().enumerate();
    let copies = copies.map(|(folder, copy)| Baggage { from: copy.from.clone(), folder, name: PathBuf::new() });
    let binds = sandbox.binds.iter().filter_map(|bind| {
        let (place, name) = late(bind, template)?;
        Some(Baggage { from: bind.from.clone(), folder: sandbox.copies.len() + place, name })
    });
    copies.chain(binds).collect()
}

fn is_early(name: &str) -> bool {
    EARLY.iter().any(|begin| name.starts_with(begin))
}

/// Which of the late folders this lies in, and where in it.
fn late(bind: &Bind, template: &Template) -> Option<(usize, PathBuf)> {
    let mut folders = template.late.iter().enumerate();
    folders.find_map(|(place, folder)| Some((place, bind.to.strip_prefix(folder).ok()?.to_owned())))
}

fn without_app(sandbox: &Sandbox, template: &Template, empty: &Path) -> Sandbox {
    let copies = sandbox.copies.iter().map(|copy| &copy.to).chain(&template.late);
    Sandbox {
        binds: sandbox.binds.iter().filter(|bind| late(bind, template).is_none()).cloned().collect(),
        copies: copies.map(|to| Copy { from: empty.to_owned(), to: to.clone() }).collect(),
        ..sandbox.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Network;

    impl Mould {
        pub(in crate::local::template) fn example(key: &str) -> Self {
            let mut start = start("acme/app", "/revisions/1");
            start.command.template.as_mut().unwrap().key = key.into();
            Self::of(&start, Path::new("/empty")).unwrap()
        }
    }

    fn start(app: &str, revision: &str) -> Start {
        let revision = Path::new(revision);
        let bind = |from: &Path, to: &str| Bind { from: from.to_owned(), to: to.into(), writable: false };
        Start {
            runner: RunnerId::new("r1"),
            app: app.parse().unwrap(),
            command: Command {
                program: "/venv/bin/python".into(),
                args: ["/h/harness.py", "--function", "/rev/function", "--socket", "{socket}"].map(Into::into).into(),
                env: vec![("FAL_KEY".into(), app.into()), ("PYTHONUNBUFFERED".into(), "1".into())],
                readiness: Readiness::Accept,
                confinement: Confinement::Sandbox(Sandbox {
                    binds: vec![bind(Path::new("/venv"), "/venv"), bind(&revision.join("function"), "/rev/function")],
                    copies: vec![Copy { from: revision.join("files"), to: "/app".into() }],
                    network: Network::None,
                    cpus: Some(1.0),
                    processes: 64,
                    scratch_bytes: 1 << 20,
                    image: None,
                }),
                template: Some(Template { key: "e/a".into(), imports: vec!["json".into()], late: vec!["/rev".into()] }),
                ..Command::default()
            },
            startup_timeout: Duration::from_secs(1),
            memory_limit_bytes: Some(1 << 30),
            grace: Duration::from_secs(1),
            mark: None,
        }
    }

    fn mould(start: &Start) -> Option<Mould> {
        Mould::of(start, Path::new("/empty"))
    }

    #[test]
    fn two_apps_of_one_environment_share_a_mould_that_holds_nothing_of_theirs() {
        let (one, other) = (start("acme/one", "/revisions/1"), start("acme/other", "/revisions/2"));
        assert_eq!(mould(&one), mould(&other));
        let text = format!("{:?}", mould(&one).unwrap());
        for theirs in ["revisions", "FAL_KEY", "acme", "--function"] {
            assert!(!text.contains(theirs), "{theirs} in {text}");
        }
        assert!(text.contains("PYTHONUNBUFFERED"));
    }

    #[test]
    fn what_differs_in_walls_limits_or_early_variables_needs_another_mould() {
        let plain = start("acme/app", "/r");
        let mut lighter = plain.clone();
        lighter.memory_limit_bytes = Some(1 << 29);
        let mut shouting = plain.clone();
        shouting.command.env.push(("PYTHONWARNINGS".into(), "error".into()));
        let mut reaching = plain.clone();
        let Confinement::Sandbox(sandbox) = &mut reaching.command.confinement else { unreachable!() };
        sandbox.network = Network::All;
        for other in [lighter, shouting, reaching] {
            assert_ne!(mould(&plain), mould(&other));
        }
    }

    #[test]
    fn runners_with_gpus_jobs_and_written_late_folders_come_from_no_template() {
        let mut gpu = start("acme/app", "/r");
        gpu.command.gpus = 1;
        let mut job = start("acme/app", "/r");
        job.command.readiness = Readiness::Never;
        let mut written = start("acme/app", "/r");
        let Confinement::Sandbox(sandbox) = &mut written.command.confinement else { unreachable!() };
        sandbox.binds[1].writable = true;
        let mut unasked = start("acme/app", "/r");
        unasked.command.template = None;
        for other in [gpu, job, written, unasked] {
            assert_eq!(mould(&other), None);
        }
    }

    #[test]
    fn what_a_template_lacks_is_named_with_its_place() {
        let item = |from: &str, folder, name: &str| Baggage { from: from.into(), folder, name: name.into() };
        let expected = vec![item("/revisions/1/files", 0, ""), item("/revisions/1/function", 1, "function")];
        assert_eq!(baggage(&start("acme/app", "/revisions/1")), expected);
    }
}
