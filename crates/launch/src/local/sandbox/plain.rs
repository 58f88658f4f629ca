//! The same command without walls: paths of the inside become paths of the host.
//!
//! A word is translated where it begins with a path that the sandbox would have shown elsewhere, or where such a
//! path follows a `:` or a `=`. A program that has `/data` written into itself does not find it: that is what walls
//! are needed for.

use std::path::{Path, PathBuf};

use super::{Within, arguments::RUN};
use crate::{Command, Sandbox};

/// Inside and outside, the longest inside first.
struct Table(Vec<(String, String)>);

pub(super) fn translate(command: &Command, sandbox: &Sandbox, within: &Within) -> Command {
    let table = Table::new(sandbox, within);
    let mut env: Vec<_> = command.env.iter().map(|(name, value)| (name.clone(), table.text(value))).collect();
    let mut fill = |name: &str, value: String| {
        if !env.iter().any(|(known, _)| known == name) {
            env.push((name.to_owned(), value));
        }
    };
    fill("PATH", "/usr/local/bin:/usr/bin:/bin".into());
    fill("HOME", within.tmp.join("home").display().to_string());
    fill("TMPDIR", within.tmp.display().to_string());
    Command {
        program: table.path(&command.program),
        args: command.args.iter().map(|arg| table.text(arg)).collect(),
        env,
        workdir: command.workdir.as_deref().map(|path| table.path(path)).or_else(|| Some(within.tmp.clone())),
        ..command.clone()
    }
}

impl Table {
    fn new(sandbox: &Sandbox, within: &Within) -> Self {
        let text = |path: &Path| path.display().to_string();
        let mut rows: Vec<_> = sandbox.binds.iter().map(|bind| (text(&bind.to), text(&bind.from))).collect();
        let copies = sandbox.copies.iter().zip(&within.copies);
        rows.extend(copies.map(|(copy, from)| (text(&copy.to), text(from))));
        rows.push((RUN.into(), text(&within.run)));
        rows.push(("/tmp".into(), text(&within.tmp)));
        rows.sort_by_key(|(inside, _)| std::cmp::Reverse(inside.len()));
        Self(rows)
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.text(&path.display().to_string()).into()
    }

    fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive([':', '=']) {
            out.push_str(&self.piece(piece));
        }
        out
    }

    fn piece(&self, text: &str) -> String {
        for (inside, outside) in &self.0 {
            if let Some(rest) = text.strip_prefix(inside.as_str())
                && (rest.is_empty() || rest.starts_with(['/', ':', '=']))
            {
                return format!("{outside}{rest}");
            }
        }
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bind, Copy, Network};

    #[test]
    fn paths_of_the_inside_become_paths_of_the_host() {
        let sandbox = Sandbox {
            binds: vec![
                Bind { from: "/srv/volume".into(), to: "/data".into(), writable: true },
                Bind { from: "/srv/models".into(), to: "/data/models".into(), writable: false },
            ],
            copies: vec![Copy { from: "/srv/app".into(), to: "/app".into() }],
            network: Network::None,
            cpus: None,
            processes: 64,
            scratch_bytes: 0,
            image: None,
        };
        let within =
            Within { run: "/r".into(), tmp: "/s/tmp".into(), copies: vec!["/s/0".into()], ..Within::default() };
        let command = Command {
            program: "/venv/bin/python".into(),
            args: vec!["cloudpickle:/app/f".into(), "/database".into(), "/data/models/x".into(), "/tmp".into()],
            env: vec![("PYTHONPATH".into(), "/app:/data/lib".into()), ("HF_HOME".into(), "/data/.cache".into())],
            workdir: Some("/app".into()),
            ..Command::default()
        };
        let plain = translate(&command, &sandbox, &within);
        assert_eq!(plain.program, Path::new("/venv/bin/python"));
        assert_eq!(plain.args, ["cloudpickle:/s/0/f", "/database", "/srv/models/x", "/s/tmp"]);
        assert_eq!(plain.env[0].1, "/s/0:/srv/volume/lib");
        assert_eq!(plain.env[1].1, "/srv/volume/.cache");
        assert_eq!(plain.workdir.as_deref(), Some(Path::new("/s/0")));
    }
}
