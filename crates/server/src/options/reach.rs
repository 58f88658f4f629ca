//! Where the server may connect to, as words: `public`, `loopback`, `private`, networks, `-` before what is refused.

use tintype_outbound::Reach;

use super::value::Parsed;

pub(super) fn reach(text: &str) -> Parsed<Reach> {
    let mut reach = Reach::NOWHERE;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word {
            "public" => reach.public = true,
            "loopback" => reach.loopback = true,
            "private" => reach.private = true,
            "nowhere" => reach = Reach::NOWHERE,
            _ => network(&mut reach, word)?,
        }
    }
    Ok(reach)
}

fn network(reach: &mut Reach, word: &str) -> Parsed<()> {
    let (list, text) = match word.strip_prefix('-') {
        Some(rest) => (&mut reach.deny, rest),
        None => (&mut reach.allow, word),
    };
    let network = text.parse().map_err(|_| {
        "expected a list of `public`, `loopback`, `private`, `nowhere` and networks such as `10.1.0.0/16`, or \
         `-10.1.9.0/24` for one that is refused"
            .to_owned()
    })?;
    list.push(network);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_networks_add_up_and_a_minus_refuses() {
        let reach = reach("public, 10.1.0.0/16, -10.1.9.0/24").unwrap();
        let permits = |address: &str| reach.permits(address.parse().unwrap());
        assert!(permits("93.184.215.14") && permits("10.1.2.3"));
        assert!(!permits("10.1.9.1") && !permits("10.2.0.1") && !permits("127.0.0.1"));
    }

    #[test]
    fn nowhere_is_nowhere_and_other_words_are_refused() {
        assert_eq!(reach("nowhere"), Ok(Reach::NOWHERE));
        assert!(reach("everywhere").unwrap_err().contains("expected a list of `public`"));
    }
}
