//! Runners that come from templates, beside those that do not.

use std::{fs, time::Duration};

use tintype_domain::RunnerId;
use tintype_launch::{
    Bind, ExitReason, Held, Launcher, Network, Occurrence, Readiness, Start, Started, Template, Templates,
};

use crate::house::{House, end, sandbox_of};

/// Tells all that makes it what it is, serves, and drains.
const RUNNER: &str = r#"
import json, os, signal, socket, sys
told = {
    "main": sys.modules["__main__"].__file__, "name": __name__, "argv": sys.argv[1:-1], "cwd": os.getcwd(),
    "env": {name: os.environ.get(name) for name in ("FAL_KEY", "FAL_APP_NAME", "HOME", "PYTHONUNBUFFERED")},
    "app": open("/app/file").read(), "payload": open("/rev/function").read(), "path": sys.path[0],
    "ahead": "fractions" in sys.modules, "open": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1],
    "template": "FAL_KEY" in open("/proc/self/environ").read(),
}
print(json.dumps(told), flush=True)
with open("/app/file", "w") as file:
    file.write("changed")
signal.signal(signal.SIGTERM, lambda *a: (signal.signal(signal.SIGTERM, signal.SIG_DFL), os.kill(os.getpid(), 15)))
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[-1])
server.listen()
while True:
    server.accept()[0].close()
"#;

struct Run {
    stage: (String, Option<String>),
    told: serde_json::Value,
    started: Started,
}

impl House {
    fn of_templates(templates: Templates) -> Option<Self> {
        let Self { dir, launcher } = Self::new()?;
        fs::create_dir_all(dir.path().join("code")).unwrap();
        fs::write(dir.path().join("code/runner.py"), RUNNER).unwrap();
        Some(Self { dir, launcher: launcher.with_templates(templates) })
    }

    fn app(&self, name: &str) -> Start {
        for (folder, text) in [("files", format!("of {name}")), ("payload", format!("run {name}"))] {
            let folder = self.path(name).join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("file"), text).unwrap();
        }
        let mut start = self.python("");
        start.runner = RunnerId::new(format!("runner-{name}"));
        start.app = format!("acme/{name}").parse().unwrap();
        let command = &mut start.command;
        command.args = ["/code/runner.py", name, "{socket}"].map(Into::into).into();
        command.env.push(("FAL_APP_NAME".into(), name.into()));
        command.readiness = Readiness::Accept;
        command.template = Some(Template {
            key: "environment/acme".into(),
            imports: ["fractions", "no_such_module"].map(Into::into).into(),
            late: vec!["/rev".into()],
        });
        let bind = |from, to: &str| Bind { from, to: to.into(), writable: false };
        let (code, payload, files) =
            (self.path("code"), self.path(name).join("payload/file"), self.path(name).join("files"));
        let sandbox = sandbox_of(&mut start);
        sandbox.binds.extend([bind(code, "/code"), bind(payload, "/rev/function")]);
        sandbox.copies[0].from = files;
        start
    }

    async fn up(&self, start: Start) -> Run {
        let mut started = self.launcher.start(start).await.unwrap();
        let (mut stage, mut told, mut text) = (None, None, String::new());
        while let Some(occurrence) = started.occurrences.recv().await {
            match occurrence {
                Occurrence::Stage { name, detail } => stage = stage.or(Some((name.to_owned(), detail))),
                Occurrence::Log { message, .. } if message.starts_with('{') => {
                    told = Some(serde_json::from_str(&message).unwrap());
                }
                Occurrence::Log { message, .. } => text.push_str(&message),
                Occurrence::Exited { reason } => panic!("{reason}: {text}"),
                _ => {}
            }
            if let (Some(stage), Some(told)) = (&stage, &told) {
                return Run { stage: stage.clone(), told: serde_json::Value::clone(told), started };
            }
        }
        panic!("the occurrences ended");
    }

    async fn until(&self, what: &str, there: impl Fn(&Self) -> bool) {
        let wait = async {
            while !there(self) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect(what);
    }

    async fn until_one_waits(&self) {
        self.until("no template waits", |house| house.launcher.templates().count == 1).await;
    }
}

async fn drain(mut started: Started) -> ExitReason {
    started.control.terminate();
    end(&mut started).await.1
}

/// Reads what it says until it is ready, which is when a template is laid by.
async fn ready(started: &mut Started) {
    while let Some(occurrence) = started.occurrences.recv().await {
        if occurrence == Occurrence::Ready {
            return;
        }
    }
    panic!("the occurrences ended");
}

#[tokio::test]
async fn a_runner_from_a_template_is_what_a_runner_of_its_own_would_be() {
    let Some(house) = House::of_templates(Templates::default()) else { return };
    let mut first = house.up(house.app("one")).await;
    assert_eq!(first.stage, ("spawn".into(), None));
    ready(&mut first.started).await;
    house.until_one_waits().await;
    assert!(house.launcher.templates().resident_bytes > 1 << 20);
    let mut second = house.up(house.app("two")).await;
    assert_eq!(second.stage.0, "template");
    assert!(second.stage.1.as_ref().is_some_and(|told| told.contains("1 modules")), "{:?}", second.stage.1);
    ready(&mut second.started).await;
    let expected = serde_json::json!({
        "main": "/code/runner.py", "name": "__main__", "argv": ["two"], "cwd": "/app", "path": "/code",
        "env": {"FAL_KEY": "secret", "FAL_APP_NAME": "two", "HOME": "/tmp/home", "PYTHONUNBUFFERED": null},
        "app": "of two", "payload": "run two", "ahead": true, "open": [0, 1, 2], "template": false,
    });
    assert_eq!(second.told, expected);
    let mut own = expected;
    own["argv"] = serde_json::json!(["one"]);
    own["env"]["FAL_APP_NAME"] = "one".into();
    (own["app"], own["payload"]) = ("of one".into(), "run one".into());
    (own["ahead"], own["template"]) = (false.into(), true.into());
    assert_eq!(first.told, own);
    let original = fs::read_to_string(house.path("two/files/file")).unwrap();
    assert_eq!(original, "of two", "what it writes is its own");
    assert_eq!((drain(first.started).await, drain(second.started).await), (ExitReason::Clean, ExitReason::Clean));
}

#[tokio::test]
async fn a_template_serves_once_and_the_next_is_made_when_its_runner_is_ready() {
    let Some(house) = House::of_templates(Templates::default()) else { return };
    let mut first = house.up(house.app("one")).await;
    ready(&mut first.started).await;
    house.until_one_waits().await;
    let mut second = house.up(house.app("two")).await;
    let third = house.up(house.app("three")).await;
    assert_eq!((second.stage.0.as_str(), third.stage.0.as_str()), ("template", "spawn"));
    ready(&mut second.started).await;
    house.until("no template waits", |house| house.launcher.templates().count >= 1).await;
    assert_eq!(house.up(house.app("four")).await.stage.0, "template");
}

#[tokio::test]
async fn another_way_to_the_network_needs_another_template() {
    let Some(house) = House::of_templates(Templates::default()) else { return };
    let mut first = house.up(house.app("one")).await;
    ready(&mut first.started).await;
    house.until_one_waits().await;
    let mut open = house.app("two");
    sandbox_of(&mut open).network = Network::All;
    assert_eq!(house.up(open).await.stage.0, "spawn");
}

#[tokio::test]
async fn a_template_that_lays_traps_for_what_is_brought_is_not_used() {
    let Some(house) = House::of_templates(Templates::default()) else { return };
    fs::write(house.path("code/fractions.py"), "import os; os.symlink('/data', '/app/file')").unwrap();
    let mut first = house.up(house.app("one")).await;
    ready(&mut first.started).await;
    house.until_one_waits().await;
    let second = house.up(house.app("two")).await;
    assert_eq!((second.stage.0.as_str(), &second.told["app"]), ("spawn", &"of two".into()));
    assert!(fs::read_dir(house.path("volume")).unwrap().next().is_none());
}

#[tokio::test]
async fn a_template_that_cannot_import_says_so_and_a_broken_module_is_left_to_the_app() {
    let Some(house) = House::of_templates(Templates::default()) else { return };
    fs::write(house.path("code/fractions.py"), "raise SystemError('broken')").unwrap();
    let mut first = house.up(house.app("one")).await;
    ready(&mut first.started).await;
    house.until_one_waits().await;
    let second = house.up(house.app("two")).await;
    assert!(second.stage.1.unwrap().contains("0 modules"));
    assert_eq!(second.told["ahead"], false);
}

#[tokio::test]
async fn a_template_that_nobody_wants_ends_and_leaves_nothing() {
    let templates = Templates { idle: Duration::from_millis(1), ..Templates::default() };
    let Some(house) = House::of_templates(templates) else { return };
    let mut first = house.up(house.app("one")).await;
    ready(&mut first.started).await;
    let left = |house: &House| {
        let folders = fs::read_dir(house.path("scratch")).unwrap().chain(fs::read_dir(house.path("run")).unwrap());
        folders.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("template-"))
    };
    house.until("no template was made", left).await;
    house.until("a template is left", |house| !left(house) && house.launcher.templates() == Held::default()).await;
}

#[tokio::test]
async fn without_templates_every_runner_is_spawned() {
    let templates = Templates { most: 0, ..Templates::default() };
    let Some(house) = House::of_templates(templates) else { return };
    let mut first = house.up(house.app("one")).await;
    ready(&mut first.started).await;
    assert_eq!(house.up(house.app("two")).await.stage.0, "spawn");
}
