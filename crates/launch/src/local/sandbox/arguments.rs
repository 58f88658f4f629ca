//! What bubblewrap is told. Pure: the tests read the list.
//!
//! The order matters: bubblewrap does things in the order in which they are asked for, so what lies deeper comes
//! later, and what is sealed comes last.

use std::path::Path;

use super::{System, Within};
use crate::{Command, Network, Sandbox};

/// Where the runner's socket lies, as the runner sees it.
pub(in crate::local) const RUN: &str = "/run/tintype";
/// Where the egress proxy listens inside.
pub(in crate::local) const EGRESS: &str = "127.0.0.1:3128";
/// Inside, a runner is an ordinary user, whoever the server is.
const USER: &str = "1000";
/// `fork` and shared memory of honest programs fit; the rest is the memory limit's.
const SHARED_MEMORY: u64 = 1 << 30;

/// What `/run` of an image may hold.
const PRIVATE: &str = "16777216";

/// Everything after `bwrap`, but for the descriptors.
pub(super) fn arguments(command: &Command, sandbox: &Sandbox, system: &System, within: &Within) -> Vec<String> {
    let mut list = List::default();
    list.namespaces(sandbox);
    list.system(system, within);
    list.devices(sandbox, within);
    list.private(within, sandbox.image.is_some());
    for bind in &sandbox.binds {
        let how = if bind.writable { "--bind" } else { "--ro-bind" };
        list.paths(how, &bind.from, &bind.to);
    }
    for (copy, from) in sandbox.copies.iter().zip(&within.copies) {
        list.paths("--bind", from, &copy.to);
    }
    list.seal();
    list.environment(command);
    list.add(&["--chdir"]);
    list.0.push(command.workdir.as_deref().unwrap_or(Path::new("/tmp")).display().to_string());
    list.0
}

#[derive(Default)]
struct List(Vec<String>);

impl List {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(ToString::to_string));
    }

    fn paths(&mut self, how: &str, from: &Path, to: &Path) {
        self.add(&[how, &from.display().to_string(), &to.display().to_string()]);
    }

    fn namespaces(&mut self, sandbox: &Sandbox) {
        self.add(&["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
        if sandbox.network != Network::All {
            self.add(&["--unshare-net"]);
        }
        // With a user namespace of its own a program could take up rights again inside, and reach parts of the kernel
        // that are seldom walked.
        self.add(&["--disable-userns", "--uid", USER, "--gid", USER, "--hostname", "runner"]);
        self.add(&["--die-with-parent", "--new-session"]);
    }

    fn system(&mut self, system: &System, within: &Within) {
        for path in &system.folders {
            self.paths("--ro-bind", &system.outside(path), path);
        }
        for (path, target) in &system.links {
            self.paths("--symlink", target, path);
        }
        for path in &system.etc {
            self.paths("--ro-bind-try", path, path);
        }
        for (name, file) in &within.etc {
            self.paths("--ro-bind", file, &Path::new("/etc").join(name));
        }
    }

    fn devices(&mut self, sandbox: &Sandbox, within: &Within) {
        // A runner of a server that runs as root is root to the kernel, without its powers; what root may write by
        // mere ownership, as in /proc/sys, must be sealed.
        self.add(&["--proc", "/proc", "--remount-ro", "/proc"]);
        self.add(&["--dev", "/dev"]);
        for device in &within.devices {
            self.paths("--dev-bind", device, device);
        }
        if !within.devices.is_empty() {
            self.add(&["--ro-bind", "/sys", "/sys"]);
        }
        let shared = SHARED_MEMORY.min(sandbox.scratch_bytes.max(64 << 20)).to_string();
        self.add(&["--size", &shared, "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
    }

    fn private(&mut self, within: &Within, image: bool) {
        self.paths("--bind", &within.tmp, Path::new("/tmp"));
        if image {
            // The image's own are read-only, and programs of images write there as they like.
            self.paths("--bind", &within.tmp, Path::new("/var/tmp"));
            self.add(&["--size", PRIVATE, "--perms", "1777", "--tmpfs", "/run"]);
        } else {
            self.add(&["--symlink", "../tmp", "/var/tmp"]);
        }
        self.paths("--bind", &within.run, Path::new(RUN));
    }

    /// The root is memory: nobody may fill it.
    fn seal(&mut self) {
        self.add(&["--remount-ro", "/"]);
    }

    fn environment(&mut self, command: &Command) {
        self.add(&["--clearenv"]);
        for (name, value) in &command.env {
            self.add(&["--setenv", name, value]);
        }
    }
}

/// The command's variables, and those that the walls make necessary.
pub(in crate::local) fn environment(command: &Command, sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut all = command.env.clone();
    let mut fill = |name: &str, value: &str| {
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name.to_owned(), value.to_owned()));
        }
    };
    fill("PATH", "/usr/local/bin:/usr/bin:/bin");
    fill("HOME", "/tmp/home");
    fill("USER", "app");
    fill("LANG", "C.UTF-8");
    if matches!(sandbox.network, Network::Internet { .. }) {
        let proxy = format!("http://{EGRESS}");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            fill(name, &proxy);
        }
        for name in ["NO_PROXY", "no_proxy"] {
            fill(name, "localhost,127.0.0.1,::1");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{Bind, Confinement, Copy};

    fn sandbox() -> Sandbox {
        Sandbox {
            binds: vec![
                Bind { from: "/srv/volume".into(), to: "/data".into(), writable: true },
                Bind { from: "/srv/venv".into(), to: "/srv/venv".into(), writable: false },
            ],
            copies: vec![Copy { from: "/srv/app".into(), to: "/app".into() }],
            network: Network::None,
            cpus: None,
            processes: 64,
            scratch_bytes: 1 << 20,
            image: None,
        }
    }

    fn list(sandbox: &Sandbox, devices: &[&str]) -> String {
        let system = System {
            folders: vec!["/usr".into()],
            links: vec![("/bin".into(), "usr/bin".into())],
            etc: vec!["/etc/ssl".into()],
            root: None,
        };
        let within = Within {
            run: "/run/r1".into(),
            tmp: "/scratch/r1/tmp".into(),
            copies: vec!["/scratch/r1/0".into()],
            etc: vec![("passwd".into(), "/run/etc/passwd".into())],
            devices: devices.iter().map(PathBuf::from).collect(),
        };
        let mut command = Command {
            program: "/srv/venv/bin/python".into(),
            env: vec![("FAL_KEY".into(), "secret".into())],
            workdir: Some("/app".into()),
            confinement: Confinement::Sandbox(sandbox.clone()),
            ..Command::default()
        };
        command.env = environment(&command, sandbox);
        arguments(&command, sandbox, &system, &within).join(" ")
    }

    #[test]
    fn only_what_is_named_is_inside_and_the_seals_come_last() {
        let text = list(&sandbox(), &[]);
        assert_eq!(
            text,
            "--unshare-user --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try --unshare-net \
             --disable-userns --uid 1000 --gid 1000 --hostname runner --die-with-parent --new-session \
             --ro-bind /usr /usr --symlink usr/bin /bin --ro-bind-try /etc/ssl /etc/ssl \
             --ro-bind /run/etc/passwd /etc/passwd --proc /proc --remount-ro /proc --dev /dev \
             --size 67108864 --perms 1777 --tmpfs /dev/shm --remount-ro /dev --bind /scratch/r1/tmp /tmp \
             --symlink ../tmp /var/tmp --bind /run/r1 /run/tintype --bind /srv/volume /data \
             --ro-bind /srv/venv /srv/venv --bind /scratch/r1/0 /app --remount-ro / --clearenv \
             --setenv FAL_KEY secret --setenv PATH /usr/local/bin:/usr/bin:/bin --setenv HOME /tmp/home \
             --setenv USER app --setenv LANG C.UTF-8 --chdir /app"
        );
    }

    #[test]
    fn only_the_policy_all_shares_the_hosts_network() {
        assert!(list(&sandbox(), &[]).contains("--unshare-net"));
        let internet = Sandbox { network: Network::Internet { proxy: "/p.sock".into() }, ..sandbox() };
        let text = list(&internet, &[]);
        assert!(text.contains("--unshare-net") && text.contains("--setenv HTTPS_PROXY http://127.0.0.1:3128"));
        assert!(!text.contains("/p.sock"), "the proxy's socket itself stays outside");
        let all = list(&Sandbox { network: Network::All, ..sandbox() }, &[]);
        assert!(!all.contains("--unshare-net") && !all.contains("PROXY"));
    }

    #[test]
    fn devices_are_there_only_for_those_who_hold_them() {
        assert!(!list(&sandbox(), &[]).contains("--dev-bind"));
        let text = list(&sandbox(), &["/dev/nvidia3"]);
        assert!(text.contains("--dev-bind /dev/nvidia3 /dev/nvidia3 --ro-bind /sys /sys"), "{text}");
    }
}
