//! The loop of a shepherd.

use std::{
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, waitid};

use super::{
    held::Held,
    wait,
    words::{EXITED, Hello, Order, greet, read_order},
};

/// From its own start until the server that started it must have come.
const FIRST: Duration = Duration::from_secs(30);
/// For a server to take or to say a word. One that does not is as good as dead.
const WORD: Duration = Duration::from_secs(10);
const PIECE: usize = 16 * 1024;

pub(super) struct Watch {
    listener: UnixListener,
    /// The runner, and its number.
    runner: Result<(OwnedFd, Pid), i32>,
    streams: [OwnedFd; 2],
    /// Streams that have ended.
    ended: [bool; 2],
    held: Held,
    server: Option<UnixStream>,
    kept: Option<(Duration, String)>,
    exit: Option<i32>,
    /// Some server knows that the runner has ended.
    told: bool,
    /// When to give up waiting for a server.
    until: Instant,
}

enum Event {
    Comes,
    Speaks,
    Exits,
    Writes(usize),
}

impl Watch {
    pub(super) fn new(listener: UnixListener, begun: io::Result<Child>, streams: [OwnedFd; 2]) -> io::Result<Self> {
        let runner = match begun {
            Ok(child) => {
                let pid = Pid::from_child(&child);
                Ok((pidfd_open(pid, PidfdFlags::empty())?, pid))
            }
            Err(error) => Err(error.raw_os_error().unwrap_or(0)),
        };
        Ok(Self {
            listener,
            runner,
            streams,
            ended: [false; 2],
            held: Held::default(),
            server: None,
            kept: None,
            exit: None,
            told: false,
            until: Instant::now() + FIRST,
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        while !self.over() {
            for event in self.next()? {
                match event {
                    Event::Comes => self.welcome(),
                    Event::Speaks => self.listen(),
                    Event::Exits => self.exits()?,
                    Event::Writes(stream) => self.hold(stream),
                }
            }
        }
        self.end();
        Ok(())
    }

    /// Nobody is there, and nobody is waited for.
    fn over(&self) -> bool {
        self.server.is_none() && (self.told || Instant::now() >= self.until)
    }

    fn next(&self) -> io::Result<Vec<Event>> {
        let mut on: Vec<(BorrowedFd<'_>, Event)> = Vec::new();
        if let (Ok((runner, _)), None) = (&self.runner, self.exit) {
            on.push((runner.as_fd(), Event::Exits));
        }
        if let Some(server) = &self.server {
            on.push((server.as_fd(), Event::Speaks));
        } else {
            // While a server listens it reads for itself.
            let open = (0..2).filter(|stream| !self.ended[*stream]);
            on.extend(open.map(|stream| (self.streams[stream].as_fd(), Event::Writes(stream))));
        }
        // Last: what the one before it said counts first.
        on.push((self.listener.as_fd(), Event::Comes));
        let patience = self.server.is_none().then(|| self.until.saturating_duration_since(Instant::now()));
        let (fds, events): (Vec<_>, Vec<_>) = on.into_iter().unzip();
        let ready = wait(&fds, patience)?;
        Ok(events.into_iter().zip(ready).filter_map(|(event, ready)| ready.then_some(event)).collect())
    }

    /// A new server takes the place of the old one, which is dead, whether or not that was noticed.
    fn welcome(&mut self) {
        let Ok((server, _)) = self.listener.accept() else { return };
        let set = server.set_read_timeout(Some(WORD)).and_then(|()| server.set_write_timeout(Some(WORD)));
        let held = self.held.all();
        let hello = Hello {
            pid: self.runner.as_ref().map_or(0, |(_, pid)| pid.as_raw_nonzero().get().cast_unsigned()),
            error: self.runner.as_ref().err().copied(),
            exit: self.exit,
            record: self.kept.as_ref().map(|(_, record)| record.clone()),
            lost: self.held.lost,
            held: [held[0].len() as u32, held[1].len() as u32],
        };
        if set.and_then(|()| greet(&server, &hello, &held, &self.streams)).is_ok() {
            self.held = Held::default();
            self.told = self.exit.is_some() || self.runner.is_err();
            self.server = Some(server);
        }
    }

    fn listen(&mut self) {
        let Some(server) = &self.server else { return };
        match read_order(server) {
            Ok(Order::Keep { patience, record }) => self.kept = Some((patience, record)),
            Ok(Order::Drop) => self.kept = None,
            Err(_) => self.leave(),
        }
    }

    /// The server is gone: the runner waits for the next, if it is to be kept.
    fn leave(&mut self) {
        self.server = None;
        self.until = Instant::now() + self.kept.as_ref().map_or(Duration::ZERO, |(patience, _)| *patience);
    }

    /// Its number is not given back: until the server knows of the end, it may send a signal there.
    fn exits(&mut self) -> io::Result<()> {
        let Ok((_, pid)) = &self.runner else { return Ok(()) };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let Some(status) = waitid(WaitId::Pid(*pid), options)? else { return Ok(()) };
        let exit = status.exit_status().map(|code| (code & 0xff) << 8);
        let exit = exit.or(status.terminating_signal()).unwrap_or(9);
        self.exit = Some(exit);
        if let Some(mut server) = self.server.as_ref() {
            self.told = server.write_all(&[&[EXITED][..], &exit.to_be_bytes()].concat()).is_ok();
        }
        Ok(())
    }

    fn hold(&mut self, stream: usize) {
        let mut piece = [0; PIECE];
        match rustix::io::read(&self.streams[stream], &mut piece[..]) {
            Ok(0) => self.ended[stream] = true,
            Ok(length) => self.held.add(stream, &piece[..length]),
            Err(_) => {}
        }
    }

    /// What is inside walls dies with what made them.
    fn end(&self) {
        if let Ok((_, pid)) = self.runner {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}
