//! Names, for apps that look them up themselves.
//!
//! Some libraries look a name up and refuse inner addresses before they connect; so the names of the hosted service
//! are given an address of the world, which no app can reach, and connections to it end at this server.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tintype_outbound::{DialError, Reach, lookup};

use crate::tls::Names;

/// Stands for the hosted service. It belongs to a network that is not routed.
pub(super) const HOSTED: Ipv4Addr = Ipv4Addr::new(11, 102, 97, 108);

const LONGEST: usize = 1232;
const HEADER: usize = 12;
const MOST_ANSWERS: usize = 8;
const ADDRESS: u16 = 1;
const INTERNET: u16 = 1;
/// Answers may be kept so long, in seconds.
const LIFE: u32 = 30;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Code {
    Good = 0,
    Malformed = 1,
    Failed = 2,
    Unknown = 3,
    Refused = 5,
}

struct Question<'a> {
    name: String,
    kind: u16,
    class: u16,
    /// As it was written, to be repeated.
    bytes: &'a [u8],
}

pub(super) async fn answer(reach: &Reach, request: Request<Incoming>) -> Response<Body> {
    let Ok(body) = Limited::new(request.into_body(), LONGEST).collect().await else {
        return reply(StatusCode::PAYLOAD_TOO_LARGE, Vec::new());
    };
    let message = body.to_bytes();
    match message.get(..HEADER) {
        Some(header) if header[2] & 0x80 == 0 => reply(StatusCode::OK, resolve(reach, &message).await),
        _ => reply(StatusCode::BAD_REQUEST, Vec::new()),
    }
}

fn reply(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/dns-message");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

async fn resolve(reach: &Reach, message: &[u8]) -> Vec<u8> {
    let Some(question) = read(message) else { return write(message, None, Code::Malformed, &[]) };
    if Names::impersonates(&question.name) {
        let hosted: &[Ipv4Addr] = if question.kind == ADDRESS { &[HOSTED] } else { &[] };
        return write(message, Some(&question), Code::Good, hosted);
    }
    // Apps leave by addresses of this kind alone.
    if question.kind != ADDRESS || question.class != INTERNET {
        return write(message, Some(&question), Code::Good, &[]);
    }
    let (code, found) = match lookup(reach, &question.name).await {
        Ok(found) => (Code::Good, found.into_iter().filter_map(version_4).collect()),
        Err(DialError::Refused(_)) => (Code::Refused, Vec::new()),
        Err(DialError::Unknown { .. }) => (Code::Unknown, Vec::new()),
        Err(DialError::Unreachable { .. }) => (Code::Failed, Vec::new()),
    };
    write(message, Some(&question), code, &found)
}

fn version_4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

/// The one question of a message.
fn read(message: &[u8]) -> Option<Question<'_>> {
    if message.get(4..6)? != [0, 1] {
        return None;
    }
    let (mut at, mut name) = (HEADER, String::new());
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => {
                let label = message.get(at..at + length)?;
                let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                if !label.iter().all(allowed) || name.len() > 253 {
                    return None;
                }
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(std::str::from_utf8(label).ok()?);
                at += length;
            }
            // A pointer has no place in a question.
            _ => return None,
        }
    }
    let number = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    let (kind, class) = (number(at)?, number(at + 2)?);
    (!name.is_empty()).then_some(Question { name, kind, class, bytes: message.get(HEADER..at + 4)? })
}

fn write(message: &[u8], question: Option<&Question<'_>>, code: Code, found: &[Ipv4Addr]) -> Vec<u8> {
    let found = &found[..found.len().min(MOST_ANSWERS)];
    let mut out = vec![message[0], message[1]];
    // An answer; recursion was asked for and is there.
    out.extend([0x80 | (message[2] & 0x79), 0x80 | code as u8]);
    out.extend(u16::from(question.is_some()).to_be_bytes());
    out.extend((found.len() as u16).to_be_bytes());
    out.extend([0; 4]);
    out.extend(question.map_or(&[][..], |question| question.bytes));
    for address in found {
        // The name is that of the question.
        out.extend([0xc0, HEADER as u8]);
        out.extend(ADDRESS.to_be_bytes());
        out.extend(INTERNET.to_be_bytes());
        out.extend(LIFE.to_be_bytes());
        out.extend([0, 4]);
        out.extend(address.octets());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend(label.bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend(INTERNET.to_be_bytes());
        message
    }

    #[tokio::test]
    async fn the_hosted_names_have_an_address_of_the_world() {
        let asked = question("v3.fal.media", ADDRESS);
        let answer = resolve(&Reach::NOWHERE, &asked).await;
        assert_eq!(answer[..2], [0xab, 0xcd]);
        assert_eq!((answer[3] & 15, answer[7]), (Code::Good as u8, 1));
        assert_eq!(answer[answer.len() - 4..], HOSTED.octets());
        assert!(Reach::PUBLIC.permits(HOSTED.into()));
        let newer = resolve(&Reach::NOWHERE, &question("fal.run", 28)).await;
        assert_eq!((newer[3] & 15, newer[7]), (Code::Good as u8, 0));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused() {
        let answer = resolve(&Reach::PUBLIC, &question("localhost", ADDRESS)).await;
        assert_eq!((answer[3] & 15, answer[7]), (Code::Refused as u8, 0));
        let reach = Reach { loopback: true, ..Reach::NOWHERE };
        let answer = resolve(&reach, &question("localhost", ADDRESS)).await;
        assert_eq!(answer[answer.len() - 4..], [127, 0, 0, 1]);
    }

    #[tokio::test]
    async fn what_is_no_question_is_said_to_be_malformed_and_harms_nothing() {
        let good = question("a.example", ADDRESS);
        for end in HEADER..good.len() {
            let answer = resolve(&Reach::NOWHERE, &good[..end]).await;
            assert_eq!(answer[3] & 15, Code::Malformed as u8, "{end}");
        }
        let mut pointer = good.clone();
        pointer[HEADER] = 0xc0;
        assert_eq!(resolve(&Reach::NOWHERE, &pointer).await[3] & 15, Code::Malformed as u8);
    }
}
