//! System calls that no app needs and that have been ways out of sandboxes before.
//!
//! A refused call answers as a kernel would that was built without it, so that programs which try take another way.

/// `None` where the numbers of the calls are not known here.
pub(super) fn filter() -> Option<Vec<u8>> {
    let machine = Machine::here()?;
    let mut program = vec![
        load(OFFSET_OF_MACHINE),
        // A call of another machine's table, such as 32-bit x86, means something else by its number.
        jump_if_equal(machine.audit, 1, 0),
        refuse(),
        load(OFFSET_OF_NUMBER),
    ];
    if let Some(first_foreign) = machine.first_foreign {
        program.extend([jump_if_at_least(first_foreign, 0, 1), refuse()]);
    }
    for number in machine.refused.iter().chain(REFUSED_EVERYWHERE) {
        program.extend([jump_if_equal(*number, 0, 1), refuse()]);
    }
    program.push(instruction(RETURN, 0, 0, ALLOW));
    Some(program.concat())
}

/// A filter that a process can take on: one word an instruction, as the kernel reads them.
pub(in crate::local) struct Filter(Vec<u64>);

impl Filter {
    /// `None` where the numbers of the calls are not known here.
    pub(in crate::local) fn new() -> Option<Self> {
        let program = filter()?;
        let (words, _) = program.as_chunks::<8>();
        Some(Self(words.iter().map(|word| u64::from_ne_bytes(*word)).collect()))
    }

    /// For the calling thread and what it becomes; it must have given up gaining rights. Allocates nothing.
    #[expect(unsafe_code, reason = "rustix has no wrapper for this call")]
    pub(in crate::local) fn take_on(&self) -> std::io::Result<()> {
        let program = libc::sock_fprog { len: self.0.len() as u16, filter: self.0.as_ptr().cast_mut().cast() };
        // SAFETY: the kernel reads `len` instructions of eight bytes from `filter`, which live as long as `self`, and
        // writes nothing.
        let taken = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
        if taken == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }
}

struct Machine {
    audit: u32,
    /// x86-64 knows a second table, `x32`, from this number on.
    first_foreign: Option<u32>,
    refused: &'static [u32],
}

impl Machine {
    #[cfg(target_arch = "x86_64")]
    #[expect(clippy::unnecessary_wraps, reason = "other machines have none")]
    fn here() -> Option<Self> {
        Some(Self { audit: 0xc000_003e, first_foreign: Some(0x4000_0000), refused: REFUSED })
    }

    #[cfg(target_arch = "aarch64")]
    #[expect(clippy::unnecessary_wraps, reason = "other machines have none")]
    fn here() -> Option<Self> {
        Some(Self { audit: 0xc000_00b7, first_foreign: None, refused: REFUSED })
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn here() -> Option<Self> {
        None
    }
}

/// Of x86-64.
#[cfg(target_arch = "x86_64")]
const REFUSED: &[u32] = &[
    134, // uselib
    136, // ustat
    139, // sysfs
    155, // pivot_root
    163, // acct
    165, // mount
    166, // umount2
    167, // swapon
    168, // swapoff
    169, // reboot
    172, // iopl
    173, // ioperm
    175, // init_module
    176, // delete_module
    212, // lookup_dcookie
    246, // kexec_load
    248, // add_key
    249, // request_key
    250, // keyctl
    298, // perf_event_open
    304, // open_by_handle_at
    308, // setns
    313, // finit_module
    320, // kexec_file_load
    321, // bpf
    323, // userfaultfd
];

/// Of the table that newer machines share.
#[cfg(target_arch = "aarch64")]
const REFUSED: &[u32] = &[
    18,  // lookup_dcookie
    39,  // umount2
    40,  // mount
    41,  // pivot_root
    89,  // acct
    104, // kexec_load
    105, // init_module
    106, // delete_module
    142, // reboot
    217, // add_key
    218, // request_key
    219, // keyctl
    224, // swapon
    225, // swapoff
    241, // perf_event_open
    265, // open_by_handle_at
    268, // setns
    273, // finit_module
    280, // bpf
    282, // userfaultfd
    294, // kexec_file_load
];

/// Calls so new that all machines number them alike.
const REFUSED_EVERYWHERE: &[u32] = &[
    425, // io_uring_setup
    426, // io_uring_enter
    427, // io_uring_register
    428, // open_tree
    429, // move_mount
    430, // fsopen
    431, // fsconfig
    432, // fsmount
    433, // fspick
    442, // mount_setattr
    467, // open_tree_attr
];

const OFFSET_OF_NUMBER: u32 = 0;
const OFFSET_OF_MACHINE: u32 = 4;
/// `BPF_LD | BPF_W | BPF_ABS`.
const LOAD: u16 = 0x20;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
const JUMP_IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`.
const JUMP_IF_AT_LEAST: u16 = 0x35;
/// `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_ERRNO` with `ENOSYS`.
const NO_SUCH_CALL: u32 = 0x0005_0000 | 0x26;

type Instruction = [u8; 8];

fn load(offset: u32) -> Instruction {
    instruction(LOAD, 0, 0, offset)
}

fn jump_if_equal(value: u32, then: u8, otherwise: u8) -> Instruction {
    instruction(JUMP_IF_EQUAL, then, otherwise, value)
}

fn jump_if_at_least(value: u32, then: u8, otherwise: u8) -> Instruction {
    instruction(JUMP_IF_AT_LEAST, then, otherwise, value)
}

fn refuse() -> Instruction {
    instruction(RETURN, 0, 0, NO_SUCH_CALL)
}

fn instruction(code: u16, then: u8, otherwise: u8, value: u32) -> Instruction {
    let (code, value) = (code.to_ne_bytes(), value.to_ne_bytes());
    [code[0], code[1], then, otherwise, value[0], value[1], value[2], value[3]]
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// What the filter says of a call: a small machine for small programs.
    fn verdict(audit: u32, number: u32) -> u32 {
        let program = filter().unwrap();
        let (mut at, mut held) = (0, 0);
        loop {
            let step = &program[at * 8..at * 8 + 8];
            let value = u32::from_ne_bytes(step[4..8].try_into().unwrap());
            let (then, otherwise) = (usize::from(step[2]), usize::from(step[3]));
            at += 1;
            match u16::from_ne_bytes([step[0], step[1]]) {
                LOAD => held = if value == OFFSET_OF_MACHINE { audit } else { number },
                JUMP_IF_EQUAL => at += if held == value { then } else { otherwise },
                JUMP_IF_AT_LEAST => at += if held >= value { then } else { otherwise },
                _ => return value,
            }
        }
    }

    #[test]
    fn calls_of_the_list_and_of_other_tables_are_refused_and_the_rest_allowed() {
        const HERE: u32 = 0xc000_003e;
        for number in [165, 250, 321, 425, 467, 0x4000_0000, 0x4000_0001] {
            assert_eq!(verdict(HERE, number), NO_SUCH_CALL, "{number}");
        }
        for number in [0, 1, 56, 57, 59, 202, 231, 435, 436] {
            assert_eq!(verdict(HERE, number), ALLOW, "{number}");
        }
        assert_eq!(verdict(0x4000_0003, 1), NO_SUCH_CALL);
    }
}
