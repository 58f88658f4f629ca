//! Reading and writing the values of settings.

use std::{net::SocketAddr, time::Duration};

use tintype_kernels::{DeviceChoice, UnknownDevice};

use super::LogFormat;

pub(super) type Parsed<T> = Result<T, String>;

pub(super) fn address(text: &str) -> Parsed<SocketAddr> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let text = named.as_deref().unwrap_or(text);
    text.parse().map_err(|_| "expected an IP address and a port, such as `127.0.0.1:8700` or `[::]:443`".into())
}

pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected `true` or `false`".into()),
    }
}

pub(super) fn device(text: &str) -> Parsed<DeviceChoice> {
    text.parse().map_err(|error: UnknownDevice| error.to_string())
}

pub(super) fn duration(text: &str) -> Parsed<Duration> {
    let wrong = || "expected a duration such as `90s`, `10m`, `24h` or `30d`".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let secs = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(wrong()),
    };
    number.checked_mul(secs).map(Duration::from_secs).ok_or_else(wrong)
}

pub(super) fn bytes(text: &str) -> Parsed<u64> {
    let wrong = || "expected a size such as `64KB`, `128MB` or `10GB`".to_owned();
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" | "KIB" => 1 << 10,
        "MB" | "MIB" => 1 << 20,
        "GB" | "GIB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

pub(super) fn names(text: &str) -> Parsed<Vec<String>> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(name).collect()
}

fn name(text: &str) -> Parsed<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let good = text.bytes().all(allowed) && !text.starts_with(['.', '-']) && !text.ends_with(['.', '-']);
    good.then(|| text.to_ascii_lowercase()).ok_or_else(|| "expected host names such as `media.example.com`".into())
}

pub(super) fn base_url(text: &str) -> Parsed<String> {
    let url = text.trim_end_matches('/');
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    host.filter(|host| !host.is_empty() && !host.contains(['?', '#', ' ']))
        .map(|_| url.to_owned())
        .ok_or_else(|| "expected an address such as `https://media.example.com`".into())
}

pub(super) fn host_and_port(text: &str) -> Parsed<String> {
    let plain = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let good = plain.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let plain_host = !plain.contains(['/', '@', ' ']);
    (good && plain_host)
        .then(|| plain.to_owned())
        .ok_or_else(|| "expected `HOST:PORT` of a proxy without a password".into())
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected `auto`, `pretty` or `json`".into()),
    }
}

pub(super) fn count(text: &str) -> Parsed<usize> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "expected a number of at least 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_carry_their_unit() {
        assert_eq!(duration("30d"), Ok(Duration::from_secs(2_592_000)));
        assert_eq!(bytes("128MB"), Ok(134_217_728));
        for text in ["", "5", "s", "-1s", "1.5h", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(bytes("999999999999999999GB").is_err());
    }

    #[test]
    fn a_device_that_is_none_is_answered_with_those_there_are() {
        assert_eq!(device("cuda:1"), Ok(DeviceChoice::Cuda(1)));
        let said = device("gpu").unwrap_err();
        assert_eq!(said, "expected `auto`, `cpu`, `cuda`, `cuda:N`, `metal` or `metal:N`");
    }

    #[test]
    fn names_and_addresses_are_checked() {
        assert_eq!(names("A.example, b.example").unwrap(), ["a.example", "b.example"]);
        assert!(names("http://a").is_err());
        assert_eq!(base_url("https://a.example/").unwrap(), "https://a.example");
        assert!(base_url("a.example").is_err());
        assert_eq!(host_and_port("http://proxy.example:3128/").unwrap(), "proxy.example:3128");
        assert!(host_and_port("proxy.example").is_err() && host_and_port("u:p@proxy.example:1").is_err());
        assert_eq!(address("localhost:80").unwrap().port(), 80);
    }
}
