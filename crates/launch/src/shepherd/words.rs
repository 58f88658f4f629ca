//! What a shepherd and its server say to each other.
//!
//! The shepherd begins, with a [`Hello`] that brings the runner's two output streams along. After it there is one more
//! word of the shepherd, the end of the runner. The server says what is to be kept, as often as that changes, or that
//! nothing is. Both run as the same user, and the folder is closed to others; lengths are bounded all the same, so that
//! whatever else answers there costs nothing.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

/// A record holds the environment of its runner, which the kernel bounds at some megabytes.
const LONGEST: u32 = 16 << 20;
const GREETING: &[u8] = b"H";
pub(crate) const KEEP: u8 = b'K';
pub(crate) const DROP: u8 = b'D';
pub(crate) const EXITED: u8 = b'X';
const ROOM: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Of the runner; 0: it could not be started.
    pub(crate) pid: u32,
    /// Why not: the number of the system's error.
    pub(crate) error: Option<i32>,
    /// The status with which it has ended already.
    pub(crate) exit: Option<i32>,
    /// What the last server wanted to be kept.
    pub(crate) record: Option<String>,
    /// Bytes of output that nobody will see.
    pub(crate) lost: u64,
    /// Bytes of both streams that follow.
    pub(crate) held: [u32; 2],
}

/// What a server hears first.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) hello: Hello,
    pub(crate) held: [Vec<u8>; 2],
    pub(crate) streams: [OwnedFd; 2],
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Keep { patience: Duration, record: String },
    Drop,
}

pub(crate) fn greet(mut to: &UnixStream, hello: &Hello, held: &[Vec<u8>; 2], streams: &[OwnedFd; 2]) -> io::Result<()> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut message = SendAncillaryBuffer::new(&mut room);
    let fds = [streams[0].as_fd(), streams[1].as_fd()];
    message.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(to, &[IoSlice::new(GREETING)], &mut message, SendFlags::NOSIGNAL)?;
    let text = serde_json::to_vec(hello)?;
    to.write_all(&(text.len() as u32).to_be_bytes())?;
    to.write_all(&text)?;
    held.iter().try_for_each(|held| to.write_all(held))
}

pub(crate) fn hear(mut from: &UnixStream) -> io::Result<Heard> {
    let streams = take_streams(from)?;
    let hello: Hello = serde_json::from_slice(&take(&mut from, LONGEST)?)?;
    let mut held = hello.held.map(|length| vec![0; length.min(LONGEST) as usize]);
    for held in &mut held {
        from.read_exact(held)?;
    }
    Ok(Heard { hello, held, streams })
}

fn take_streams(from: &UnixStream) -> io::Result<[OwnedFd; 2]> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut message = RecvAncillaryBuffer::new(&mut room);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut message, RecvFlags::CMSG_CLOEXEC)?;
    let fds = message.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds: Vec<_> = fds.flatten().collect();
    fds.try_into().map_err(|_| wrong("no shepherd answers here"))
}

pub(crate) fn order(order: &Order) -> Vec<u8> {
    match order {
        Order::Drop => vec![DROP],
        Order::Keep { patience, record } => {
            let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
            let length = (record.len() as u32).to_be_bytes();
            [&[KEEP][..], &millis.to_be_bytes(), &length, record.as_bytes()].concat()
        }
    }
}

pub(crate) fn read_order(mut from: impl Read) -> io::Result<Order> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    match kind[0] {
        DROP => Ok(Order::Drop),
        KEEP => {
            let mut millis = [0; 8];
            from.read_exact(&mut millis)?;
            let patience = Duration::from_millis(u64::from_be_bytes(millis));
            let record = String::from_utf8(take(&mut from, LONGEST)?).map_err(|_| wrong("a record is text"))?;
            Ok(Order::Keep { patience, record })
        }
        _ => Err(wrong("no server speaks here")),
    }
}

fn take(from: &mut impl Read, most: u32) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > most {
        return Err(wrong("a word is longer than any may be"));
    }
    // Not all at once: memory for what never comes would be wasted.
    let mut bytes = Vec::new();
    from.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipes() -> [OwnedFd; 2] {
        [rustix::pipe::pipe().unwrap().0, rustix::pipe::pipe().unwrap().0]
    }

    #[test]
    fn a_greeting_brings_what_was_held_and_the_streams() {
        let (near, far) = UnixStream::pair().unwrap();
        let held = [b"out".to_vec(), b"error".to_vec()];
        let hello = Hello { pid: 7, record: Some("{}".into()), lost: 3, held: [3, 5], ..Hello::default() };
        greet(&far, &hello, &held, &pipes()).unwrap();
        let heard = hear(&near).unwrap();
        assert_eq!((heard.hello, heard.held), (hello, held));
    }

    #[test]
    fn orders_arrive_as_they_were_given() {
        let keep = Order::Keep { patience: Duration::from_millis(1500), record: "{\"a\":1}".into() };
        for order in [keep, Order::Drop] {
            assert_eq!(read_order(&super::order(&order)[..]).unwrap(), order);
        }
    }

    #[test]
    fn what_is_torn_hostile_or_endless_is_an_error_and_costs_nothing() {
        let whole = order(&Order::Keep { patience: Duration::ZERO, record: "record".into() });
        for length in 0..whole.len() {
            assert!(read_order(&whole[..length]).is_err(), "{length}");
        }
        let endless = [&[KEEP][..], &[0; 8], &u32::MAX.to_be_bytes()].concat();
        for bytes in [&endless[..], b"GET / HTTP/1.1\r\n\r\n", &[KEEP, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]] {
            assert_eq!(read_order(bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn whoever_answers_without_streams_or_sense_is_no_shepherd() {
        let (near, far) = UnixStream::pair().unwrap();
        (&far).write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        assert_eq!(hear(&near).unwrap_err().to_string(), "no shepherd answers here");
        let (near, far) = UnixStream::pair().unwrap();
        greet(&far, &Hello { held: [9, 9], ..Hello::default() }, &Default::default(), &pipes()).unwrap();
        drop(far);
        assert_eq!(hear(&near).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
