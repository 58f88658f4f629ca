//! What the machine offers: the data folder, memory, and the programs that people use with the server.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tintype_domain::with_causes;
use tintype_kernels::{Care, DeviceChoice};

use super::Finding;

/// Below it, uploads and results begin to be refused before long.
const LITTLE_SPACE: u64 = 1 << 30;

pub(super) fn findings(data: &Path) -> Vec<Finding> {
    let mut findings = vec![folder(data)];
    findings.extend(memory());
    let programs = [
        ("python", "python3", "Python programs"),
        ("node", "node", "JavaScript programs"),
        ("curl", "curl", "the shell"),
    ];
    findings.extend(programs.into_iter().map(|(what, program, used)| installed(what, program, used)));
    findings.extend(walls());
    findings.push(device());
    findings
}

/// Where native models with weights would compute.
fn device() -> Finding {
    let choice = if cfg!(feature = "cuda") {
        DeviceChoice::Cuda(0)
    } else if cfg!(feature = "metal") {
        DeviceChoice::Metal(0)
    } else {
        return Finding::good("device", "models compute on the CPU: this build is for no accelerator");
    };
    match choice.compute(Care::Wide) {
        Ok(compute) => Finding::good("device", format!("models compute on {compute}")),
        Err(error) => Finding::note(
            "device",
            format!("models compute on the CPU, since {}", with_causes(&error)),
            "look at the driver, CUDA_VISIBLE_DEVICES and LD_LIBRARY_PATH",
        ),
    }
}

/// What keeps deployed apps apart.
fn walls() -> Vec<Finding> {
    let found = tintype_launch::capability();
    let sandbox = match found.sandbox {
        Ok(program) => {
            Finding::good("sandbox", format!("deployed apps run within walls made by {}", program.display()))
        }
        Err(obstacle) => Finding::note(
            "sandbox",
            format!("deployed apps would run with all rights of the server: {}", obstacle.problem),
            obstacle.advice,
        ),
    };
    let gpus = match found.gpus {
        0 => "none that apps could be given".into(),
        count => format!("{count} for apps"),
    };
    vec![sandbox, Finding::good("limits", format!("kept {}", found.limits)), Finding::good("gpus", gpus)]
}

fn folder(data: &Path) -> Finding {
    let shown = data.display();
    if !data.exists() {
        return Finding::note("data", format!("{shown} is not there"), "the first `tintype serve` makes it");
    }
    // Asking the file system by writing would disturb a server; its word is enough.
    let Ok(room) = rustix::fs::statvfs(data) else {
        return Finding::bad("data", format!("{shown} cannot be read"), "check who owns it");
    };
    if rustix::fs::access(data, rustix::fs::Access::WRITE_OK).is_err() {
        return Finding::bad(
            "data",
            format!("{shown} cannot be written"),
            "check who owns it, and whether it is mounted read-only",
        );
    }
    let free = room.f_bavail * room.f_frsize;
    let found = format!("{shown}, {} MB free", free >> 20);
    if free < LITTLE_SPACE {
        return Finding::note("data", found, "make room, or choose another folder with `--data`");
    }
    Finding::good("data", found)
}

fn memory() -> Option<Finding> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let megabytes = line.split_whitespace().nth(1)?.parse::<u64>().ok()? >> 10;
    let found = format!("{megabytes} MB available");
    if megabytes < 1024 {
        return Some(Finding::note("memory", found, "the model in the box needs about 1 GB"));
    }
    Some(Finding::good("memory", found))
}

fn installed(what: &'static str, program: &str, used: &str) -> Finding {
    let run = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    match run {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            Finding::good(what, text.lines().next().unwrap_or_default().trim().to_owned())
        }
        _ => Finding::note(what, format!("{program} is not installed"), format!("needed only by those who use {used}")),
    }
}
