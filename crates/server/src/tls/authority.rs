//! A private certificate authority that can vouch for the names of this server alone.
//!
//! Its certificate carries name constraints, which every client checks: were its key stolen, nobody could use it
//! against another site. The key never leaves the data folder.

use std::{fs, io, net::IpAddr, path::Path, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};
use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use tintype_domain::Timestamp;

use super::Names;
use crate::paths::{authority_file, private_dir, write_private};

/// Clocks differ; a certificate that begins now would be refused by a caller whose clock is behind.
const BACKDATED: Duration = Duration::from_secs(24 * 3600);
const LIFE_OF_AUTHORITY: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// Some clients refuse certificates that live longer than 398 days.
const LIFE_OF_LEAF: Duration = Duration::from_secs(90 * 24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("could not read or write the certificate authority in the data folder")]
    Files(#[from] io::Error),
    #[error("could not make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("could not use the certificate that was just made")]
    Use(#[from] rustls::Error),
}

/// The certificates of one issue: which of them a caller gets depends on how it names this server.
#[derive(Debug)]
pub(crate) struct Leaves {
    /// For callers who call it by a name.
    pub(crate) named: Arc<CertifiedKey>,
    /// For callers who call it by an address. It bears the names as well: not every caller says the name that it uses.
    pub(crate) addressed: Arc<CertifiedKey>,
}

pub(crate) struct Authority {
    key: KeyPair,
    names: Names,
    pem: String,
}

impl Authority {
    /// Reads the authority from the data folder. Makes one where there is none, or where the names have changed:
    /// a certificate cannot be stretched to new names.
    pub(crate) fn open(data: &Path, names: Names, now: Timestamp) -> Result<Self, AuthorityError> {
        private_dir(&data.join("tls"))?;
        match Self::load(data, &names)? {
            Some(authority) => Ok(authority),
            None => Self::make(data, names, now),
        }
    }

    fn load(data: &Path, names: &Names) -> Result<Option<Self>, AuthorityError> {
        let read = |path: &Path| match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let (key, pem) = (read(&data.join("tls/authority-key.pem"))?, read(&authority_file(data))?);
        let bound = read(&data.join("tls/authority-names.txt"))?;
        match (key, pem, bound) {
            (Some(key), Some(pem), Some(bound)) if bound == names.fingerprint() => {
                Ok(Some(Self { key: KeyPair::from_pem(&key)?, names: names.clone(), pem }))
            }
            (Some(_), ..) => {
                tracing::warn!("the names of this server have changed: making a new authority; trust it anew");
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn make(data: &Path, names: Names, now: Timestamp) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = authority_params(&key);
        params.name_constraints = Some(constraints(&names));
        lifetime(&mut params, now, LIFE_OF_AUTHORITY);
        let pem = params.self_signed(&key)?.pem();
        // The names go last: without them the rest is not used.
        write_private(&data.join("tls/authority-key.pem"), key.serialize_pem().as_bytes())?;
        write_private(&authority_file(data), pem.as_bytes())?;
        write_private(&data.join("tls/authority-names.txt"), names.fingerprint().as_bytes())?;
        Ok(Self { key, names, pem })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Fresh certificates for all names, with keys of their own that are kept in memory alone.
    ///
    /// The one for names bears no address: the TLS of gRPC (BoringSSL) cannot check an address against the authority's
    /// constraints, and refuses every certificate in which it finds one.
    pub(crate) fn issue(&self, now: Timestamp) -> Result<Leaves, AuthorityError> {
        let named = self.issue_for(&[], now)?;
        let addressed = self.issue_for(self.names.addresses(), now)?;
        Ok(Leaves { named: Arc::new(named), addressed: Arc::new(addressed) })
    }

    fn issue_for(&self, addresses: &[IpAddr], now: Timestamp) -> Result<CertifiedKey, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(self.names.called())?;
        params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        params.distinguished_name = named("Tintype");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        lifetime(&mut params, now, LIFE_OF_LEAF);
        let issuer_params = authority_params(&self.key);
        let certificate = params.signed_by(&key, &Issuer::from_params(&issuer_params, &self.key))?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(CertifiedKey::new(vec![certificate.der().clone()], any_supported_type(&private)?))
    }
}

/// The same for the same key, so that the authority can be rebuilt from its key alone.
fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key_raw());
    let short = digest.as_ref().iter().take(4).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    params.distinguished_name = named(&format!("Tintype private authority {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn constraints(names: &Names) -> NameConstraints {
    let domains = names.domains().into_iter().map(GeneralSubtree::DnsName);
    let networks = names.addresses().iter().map(|address| GeneralSubtree::IpAddress(network(*address)));
    NameConstraints { permitted_subtrees: domains.chain(networks).collect(), excluded_subtrees: Vec::new() }
}

fn network(address: IpAddr) -> CidrSubnet {
    match address {
        IpAddr::V4(v4) if v4.is_loopback() => CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8),
        IpAddr::V4(v4) => CidrSubnet::from_v4_prefix(v4.octets(), 32),
        IpAddr::V6(v6) => CidrSubnet::from_v6_prefix(v6.octets(), 128),
    }
}

/// From a day before `now` until `life` after it. The type of a date belongs to a crate that is not ours to name.
fn lifetime(params: &mut CertificateParams, now: Timestamp, life: Duration) {
    let since_epoch = |at: Timestamp| at.since(Timestamp::EPOCH);
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(now.minus(BACKDATED));
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(now.plus(life));
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn names(own: &[&str]) -> Names {
        Names::new(&own.iter().map(ToString::to_string).collect::<Vec<_>>(), [127, 0, 0, 1].into())
    }

    #[test]
    fn an_authority_is_kept_until_the_names_change() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path(), names(&[]), NOW).unwrap();
        let again = Authority::open(dir.path(), names(&[]), NOW).unwrap();
        assert_eq!(first.pem(), again.pem());
        let renamed = Authority::open(dir.path(), names(&["a.example"]), NOW).unwrap();
        assert_ne!(first.pem(), renamed.pem());
    }

    #[test]
    fn a_reloaded_authority_still_issues_certificates_that_its_pem_vouches_for() {
        let dir = tempfile::tempdir().unwrap();
        Authority::open(dir.path(), names(&[]), NOW).unwrap();
        let authority = Authority::open(dir.path(), names(&[]), NOW).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::pem::PemObject::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        let verifier = verifier.build().unwrap();
        let leaves = authority.issue(NOW).unwrap();
        let now = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_100));
        let cases = [("queue.fal.run", true, true), ("127.0.0.1", false, true), ("::1", false, true)];
        for (name, by_name, by_address) in cases.into_iter().chain([("example.com", false, false)]) {
            let name = name.try_into().unwrap();
            for (leaf, good) in [(&leaves.named, by_name), (&leaves.addressed, by_address)] {
                let verdict = rustls::client::danger::ServerCertVerifier::verify_server_cert(
                    &*verifier,
                    &leaf.cert[0],
                    &[],
                    &name,
                    &[],
                    now,
                );
                assert_eq!(verdict.is_ok(), good, "{name:?}: {verdict:?}");
            }
        }
    }
}
