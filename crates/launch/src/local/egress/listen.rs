//! Making listeners in the network of another process.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::fd::OwnedFd,
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, listen, recv, send, socket_with, sockopt,
};

use crate::local::namespace::made_within;

const BACKLOG: i32 = 128;
const PORTS: [u16; 2] = [80, 443];
const NAMES: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 53);

/// In the order: the proxy, the two web ports, names.
pub(super) fn make(pid: u32, proxy: SocketAddr) -> io::Result<[OwnedFd; 4]> {
    let anywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    made_within(pid, move || {
        claim_the_world()?;
        Ok([tcp(proxy)?, tcp(anywhere(PORTS[0]))?, tcp(anywhere(PORTS[1]))?, udp()?])
    })
}

fn tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn udp() -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &NAMES)?;
    Ok(socket)
}

/// Length, `RTM_NEWROUTE`, flags, number, sender; IPv4, no prefix, the table and the type and the scope of local
/// addresses; the interface 1, which is the loopback of every network.
const ROUTE: [u8; 36] = {
    let mut message = [0; 36];
    let length = 36_u32.to_ne_bytes();
    let kind = 24_u16.to_ne_bytes();
    let flags = (0x1_u16 | 0x4 | 0x200 | 0x400).to_ne_bytes();
    let (attribute_length, attribute) = (8_u16.to_ne_bytes(), 4_u16.to_ne_bytes());
    let interface = 1_u32.to_ne_bytes();
    let parts: [(usize, &[u8]); 7] = [
        (0, &length),
        (4, &kind),
        (6, &flags),
        (16, &[2, 0, 0, 0, 255, 4, 254, 2]),
        (28, &attribute_length),
        (30, &attribute),
        (32, &interface),
    ];
    let mut part = 0;
    while part < parts.len() {
        let (at, bytes) = parts[part];
        let mut byte = 0;
        while byte < bytes.len() {
            message[at + byte] = bytes[byte];
            byte += 1;
        }
        part += 1;
    }
    message
};

/// Tells the kernel that all addresses are this network's own, so that connections to them end at our listeners.
fn claim_the_world() -> io::Result<()> {
    // Routes are the first protocol of netlink, which is what no protocol means.
    let kernel = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&kernel, &ROUTE, SendFlags::empty())?;
    let mut answer = [0_u8; 128];
    let (_, length) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
    match answer[..length] {
        [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, ..] => match i32::from_ne_bytes([a, b, c, d]) {
            0 => Ok(()),
            // An earlier server has told it already.
            error if -error == rustix::io::Errno::EXIST.raw_os_error() => Ok(()),
            error => Err(io::Error::from_raw_os_error(-error)),
        },
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
