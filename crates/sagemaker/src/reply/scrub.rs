//! What a caller of a shared gateway should not read in a message: account ids, resource names and
//! console links.
//!
//! Owns that one filter. The whole text stays in the typed error for the operator of the endpoint.

/// The text without ARNs, links to AWS's console and account ids.
pub(crate) fn scrub(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            out.push(' ');
        }
        scrub_word(word, &mut out);
    }
    out
}

fn scrub_word(word: &str, out: &mut String) {
    if let Some(at) = word.find("arn:aws") {
        out.push_str(word.get(..at).unwrap_or_default());
        out.push_str("[arn]");
    } else if let Some(at) =
        word.find("https://").filter(|_| word.contains("console.aws.") || word.contains("console.amazonaws"))
    {
        out.push_str(word.get(..at).unwrap_or_default());
        out.push_str("[console]");
    } else {
        scrub_account(word, out);
    }
}

/// A run of exactly twelve digits is an account id.
fn scrub_account(word: &str, out: &mut String) {
    let mut rest = word;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, digits_on) = rest.split_at(start);
        let end = digits_on.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits_on.len());
        let (digits, after) = digits_on.split_at(end);
        out.push_str(before);
        out.push_str(if digits.len() == 12 { "[account]" } else { digits });
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn operators_facts_are_taken_out_and_the_rest_stays() {
        let text = "See https://us-east-1.console.aws.amazon.com/cloudwatch/home?x=1 in account 123456789012, role (arn:aws:iam::123456789012:role/R) must be <= 2048. Given: 3000 at 1234567890123";
        assert_eq!(
            scrub(text),
            "See [console] in account [account], role ([arn] must be <= 2048. Given: 3000 at 1234567890123"
        );
        assert_eq!(scrub("nothing  to hide"), "nothing  to hide");
    }
}
