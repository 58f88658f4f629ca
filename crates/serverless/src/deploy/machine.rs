//! Machine types: how much of this machine a runner may use.

use super::error::DeployError;
use crate::Host;

/// A size that people know from fal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MachineType {
    pub name: &'static str,
    pub cpus: f32,
    pub memory_bytes: u64,
    /// Whether each runner has a GPU of its own, at least.
    pub gpu: bool,
}

const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

const fn cpu(name: &'static str, cpus: f32, memory_bytes: u64) -> MachineType {
    MachineType { name, cpus, memory_bytes, gpu: false }
}

const fn gpu(name: &'static str, cpus: f32, memory_gb: u64) -> MachineType {
    MachineType { name, cpus, memory_bytes: memory_gb * GB, gpu: true }
}

/// `GPU` alone is found in old examples: any of them.
const TYPES: [MachineType; 15] = [
    cpu("XS", 0.5, 512 * MB),
    cpu("S", 1.0, GB),
    cpu("M", 2.0, 2 * GB),
    cpu("L", 4.0, 15 * GB),
    cpu("XL", 8.0, 30 * GB),
    gpu("GPU", 12.0, 60),
    gpu("GPU-RTX4090", 12.0, 48),
    gpu("GPU-RTX5090", 14.0, 60),
    gpu("GPU-A6000", 10.0, 18),
    gpu("GPU-A100", 12.0, 60),
    gpu("GPU-L40", 6.0, 100),
    gpu("GPU-H100", 12.0, 112),
    gpu("GPU-RTXPRO6000", 6.0, 100),
    gpu("GPU-H200", 12.0, 112),
    gpu("GPU-B200", 19.0, 210),
];

/// What functions get that name none.
pub(crate) const DEFAULT: &str = "XS";
const MOST_GPUS: u32 = 8;

/// What a runner gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Share {
    pub name: &'static str,
    pub cpus: f32,
    pub memory_bytes: u64,
    pub gpus: u32,
    /// What was cut down to what the host has, for the deployer to read.
    pub note: Option<String>,
}

pub(crate) fn find(name: &str) -> Result<&'static MachineType, DeployError> {
    let known = || TYPES.iter().map(|machine| machine.name).collect::<Vec<_>>().join(", ");
    TYPES.iter().find(|machine| machine.name == name).ok_or_else(|| {
        DeployError::Invalid(format!("machine type `{name:.64}` is not known: choose one of {}", known()))
    })
}

/// The first of `wanted` that this host can be.
pub(crate) fn choose(wanted: &[String], num_gpus: Option<u32>, host: Host) -> Result<Share, DeployError> {
    let machines = wanted.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    let gpus = num_gpus.unwrap_or(1);
    if !(1..=MOST_GPUS).contains(&gpus) {
        return Err(DeployError::Invalid(format!("`num_gpus` is {gpus}: expected 1 to {MOST_GPUS}")));
    }
    let fitting = machines.iter().find(|machine| !machine.gpu || gpus <= host.gpus);
    let machine = match (fitting, machines.as_slice()) {
        (Some(machine), _) => machine,
        (None, []) => find(DEFAULT)?,
        (None, _) => return Err(too_few(wanted, gpus, host)),
    };
    Ok(share(machine, if machine.gpu { gpus } else { 0 }, host))
}

fn too_few(wanted: &[String], gpus: u32, host: Host) -> DeployError {
    DeployError::Exhausted(format!(
        "machine type {} needs {gpus} GPU{} for each runner and this server has {}: add a machine type without a GPU \
         (XS, S, M, L or XL), or deploy to a server that has them",
        wanted.join(" or "),
        if gpus == 1 { "" } else { "s" },
        host.gpus,
    ))
}

fn share(machine: &MachineType, gpus: u32, host: Host) -> Share {
    let times = gpus.max(1);
    let (cpus, memory) = (machine.cpus * times as f32, machine.memory_bytes * u64::from(times));
    let cut = cpus > host.cpus || memory > host.memory_bytes;
    let note = cut.then(|| {
        format!(
            "machine type {} is larger than this server: a runner gets {} processors and {} MB of memory at most",
            machine.name,
            cpus.min(host.cpus),
            memory.min(host.memory_bytes) / MB,
        )
    });
    Share { name: machine.name, cpus: cpus.min(host.cpus), memory_bytes: memory.min(host.memory_bytes), gpus, note }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Host = Host { cpus: 2.0, memory_bytes: 8 * GB, gpus: 1 };

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_unknown_type_is_answered_with_those_that_are_known() {
        let error = find("XXL").unwrap_err().to_string();
        assert!(error.starts_with("machine type `XXL` is not known: choose one of XS, S, M, L, XL, GPU"), "{error}");
    }

    #[test]
    fn the_first_type_that_the_host_can_be_is_taken() {
        let both = names(&["GPU-H100", "S"]);
        assert_eq!(choose(&both, Some(1), HOST).unwrap().name, "GPU-H100");
        assert_eq!(choose(&both, Some(2), HOST).unwrap().name, "S");
        let error = choose(&names(&["GPU-H100"]), Some(2), HOST).unwrap_err().to_string();
        assert!(
            error.starts_with("machine type GPU-H100 needs 2 GPUs for each runner and this server has 1"),
            "{error}"
        );
    }

    #[test]
    fn a_type_larger_than_the_host_is_cut_down_and_it_is_said() {
        let share = choose(&names(&["XL"]), None, HOST).unwrap();
        assert_eq!((share.cpus, share.memory_bytes, share.gpus), (2.0, 8 * GB, 0));
        assert!(share.note.unwrap().contains("larger than this server"));
        assert_eq!(choose(&[], None, HOST).unwrap().name, "XS");
    }
}
