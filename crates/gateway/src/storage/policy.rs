//! Who may read a file.

use tintype_domain::AccountId;
use tintype_store::{AclDecision, FileRecord};

use super::error::Error;

/// The owner may; for others a rule that names them decides, the most generous one if there are several, and for
/// everyone else the default.
pub(crate) fn admit(file: &FileRecord, reader: Option<&AccountId>) -> Result<(), Error> {
    match decision(file, reader) {
        AclDecision::Allow => Ok(()),
        AclDecision::Forbid => Err(Error::Forbidden),
        AclDecision::Hide => Err(Error::NoFile),
    }
}

fn decision(file: &FileRecord, reader: Option<&AccountId>) -> AclDecision {
    let Some(reader) = reader else { return file.acl.default };
    if *reader == file.account {
        return AclDecision::Allow;
    }
    let rules = file.acl.rules.iter().filter(|rule| rule.user == reader.as_str());
    rules.map(|rule| rule.decision).min_by_key(|decision| severity(*decision)).unwrap_or(file.acl.default)
}

const fn severity(decision: AclDecision) -> u8 {
    match decision {
        AclDecision::Allow => 0,
        AclDecision::Forbid => 1,
        AclDecision::Hide => 2,
    }
}

/// Whether everyone may read it.
pub(crate) fn is_public(file: &FileRecord) -> bool {
    file.acl.default == AclDecision::Allow && file.acl.rules.iter().all(|rule| rule.decision == AclDecision::Allow)
}

#[cfg(test)]
mod tests {
    use tintype_domain::Timestamp;
    use tintype_store::{Acl, AclRule};

    use super::*;
    use AclDecision::{Allow, Forbid, Hide};

    fn file(default: AclDecision, rules: &[(&str, AclDecision)]) -> FileRecord {
        let rule = |(user, decision): &(&str, AclDecision)| AclRule { user: (*user).into(), decision: *decision };
        FileRecord {
            id: "id".into(),
            name: "a.png".into(),
            account: AccountId::new("owner"),
            content_type: "image/png".into(),
            size: 1,
            digest: String::new(),
            acl: Acl { default, rules: rules.iter().map(rule).collect() },
            created_at: Timestamp::EPOCH,
            expires_at: None,
        }
    }

    #[test]
    fn the_owner_reads_whatever_the_list_says() {
        let hidden = file(Hide, &[("owner", Forbid)]);
        assert_eq!(decision(&hidden, Some(&AccountId::new("owner"))), Allow);
        assert_eq!(decision(&hidden, None), Hide);
    }

    #[test]
    fn a_rule_overrides_the_default_for_its_user_alone() {
        let shared = file(Forbid, &[("friend", Allow), ("foe", Hide)]);
        assert_eq!(decision(&shared, Some(&AccountId::new("friend"))), Allow);
        assert_eq!(decision(&shared, Some(&AccountId::new("foe"))), Hide);
        assert_eq!(decision(&shared, Some(&AccountId::new("other"))), Forbid);
        assert_eq!(decision(&shared, None), Forbid);
    }

    #[test]
    fn of_several_rules_the_most_generous_counts() {
        let twice = file(Hide, &[("friend", Hide), ("friend", Forbid)]);
        assert_eq!(decision(&twice, Some(&AccountId::new("friend"))), Forbid);
    }

    #[test]
    fn a_file_with_any_restriction_is_not_public() {
        assert!(is_public(&file(Allow, &[("friend", Allow)])));
        assert!(!is_public(&file(Allow, &[("foe", Hide)])));
        assert!(!is_public(&file(Forbid, &[])));
    }
}
