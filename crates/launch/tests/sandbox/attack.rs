//! A hostile app: what it reaches, and what becomes of it.

use std::fs;

use tintype_launch::ExitReason;

use crate::house::{House, sandbox_of};

#[tokio::test]
async fn files_of_the_server_and_the_host_are_not_there() {
    let Some(house) = House::new() else { return };
    fs::write(house.path("key"), "the server's").unwrap();
    let script = format!(
        "cat {dir}/key; ls {dir}; cat /etc/shadow; ls /root /home /var/lib /boot /srv /mnt; ls /run; cat /proc/1/environ | tr '\\0' '\\n'",
        dir = house.dir.path().display()
    );
    let (text, _) = house.run(house.shell(&script)).await;
    assert!(!text.contains("the server's") && !text.contains("root:"), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with("No such file or directory")).count(), 9, "{text}");
    assert!(text.lines().any(|line| line == "tintype"), "/run holds the runner's own folder alone: {text}");
}

#[tokio::test]
async fn processes_of_the_host_are_neither_seen_nor_reached() {
    let Some(house) = House::new() else { return };
    let script =
        format!("ls /proc | grep -c '^[0-9]'; kill -0 {} && echo reached; hostname; id -u", std::process::id());
    let (text, _) = house.run(house.shell(&script)).await;
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].parse::<u32>().unwrap() < 8, "{text}");
    assert!(!text.contains("reached"), "{text}");
    assert!(lines.contains(&"runner") && lines.contains(&"1000"), "{text}");
}

#[tokio::test]
async fn what_the_kernel_lets_its_owner_write_is_sealed() {
    let Some(house) = House::new() else { return };
    // Opened and not written: where the seal is broken, the test must not break the machine.
    let script = r#"
import os
paths = ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname"]
paths += ["/usr/bin/env", "/etc/passwd", "/dev/kmsg", "/dev/mem", "/newfile", "/dev/newfile", "/run/newfile", "/sys/power/state"]
for path in paths:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
        print("opened", path)
    except OSError:
        pass
print("done")
"#;
    assert_eq!(house.run(house.python(script)).await, ("done\n".into(), ExitReason::Clean));
}

#[tokio::test]
async fn rights_cannot_be_taken_up_again() {
    let Some(house) = House::new() else { return };
    let script = r#"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
print("user namespace", libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
print("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
print("keyctl", libc.syscall(250, 0, -3, 0))
print("bpf", libc.syscall(321, 0, 0, 0))
print("chroot", libc.chroot(b"/tmp"))
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
print(status["CapEff"], status["NoNewPrivs"], status["Seccomp"])
"#;
    let (text, _) = house.run(house.python(script)).await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..5], ["user namespace -1", "mount -1", "keyctl -1", "bpf -1", "chroot -1"]);
    assert_eq!(lines[5], "0000000000000000 1 2");
}

#[tokio::test]
async fn nothing_that_the_server_has_open_is_handed_on() {
    let Some(house) = House::new() else { return };
    let (text, _) = house.run(house.python("import os; print(sorted(os.listdir('/proc/self/fd')))")).await;
    // The fourth is the listing itself.
    assert_eq!(text, "['0', '1', '2', '3']\n");
}

#[tokio::test]
async fn a_variable_that_would_act_on_programs_acts_inside_alone() {
    let Some(house) = House::new() else { return };
    let evil = house.path("volume/evil.so");
    let mut start = house.shell("echo inside; echo $LD_AUDIT");
    start.command.env.push(("LD_AUDIT".into(), evil.display().to_string()));
    fs::write(&evil, "not a library").unwrap();
    let (text, _) = house.run(start).await;
    // A loader that read the variable outside would have found the file and complained of its contents.
    assert!(!text.contains("invalid ELF header") && text.contains("inside"), "{text}");
}

#[tokio::test]
async fn a_fork_bomb_is_held_within_its_limit_and_told() {
    let Some(house) = House::new() else { return };
    let script = r#"
import os, time
made = 0
while made < 2000:
    try:
        if os.fork() == 0:
            time.sleep(1000)
        made += 1
    except OSError as error:
        print("refused:", error.strerror, flush=True)
        time.sleep(2)
        os._exit(7)
print("made them all", flush=True)
time.sleep(1000)
"#;
    let (text, reason) = house.run(house.python(script)).await;
    let refused = text.contains("refused:") && text.contains("limit of 64 processes and threads");
    assert!(refused || reason == ExitReason::TooManyProcesses { limit: 64 }, "{reason}: {text}");
}

#[tokio::test]
async fn memory_without_end_is_told_as_what_it_is() {
    let Some(house) = House::new() else { return };
    let mut start = house.python("hoard = []\nwhile True: hoard.append(bytes(range(256)) * 4096)");
    start.memory_limit_bytes = Some(96 << 20);
    assert_eq!(house.run(start).await.1, ExitReason::OutOfMemory { limit_bytes: 96 << 20 });
}

#[tokio::test]
async fn a_full_disk_is_the_runners_own() {
    let Some(house) = House::new() else { return };
    let mut start = house.shell("while true; do head -c 1000000 /dev/zero >> /tmp/file; done");
    sandbox_of(&mut start).scratch_bytes = 8 << 20;
    assert_eq!(house.run(start).await.1, ExitReason::ScratchFull { limit_bytes: 8 << 20 });
}

#[tokio::test]
async fn shared_memory_is_bounded_by_the_kernel() {
    let Some(house) = House::new() else { return };
    let mut start = house.shell("head -c 100000000 /dev/zero > /dev/shm/file; wc -c < /dev/shm/file");
    sandbox_of(&mut start).scratch_bytes = 8 << 20;
    let (text, _) = house.run(start).await;
    assert!(text.contains("No space left on device") && text.contains("67108864"), "{text}");
}
