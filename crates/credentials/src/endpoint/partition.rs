//! Partitions: the separate AWS clouds, which a region's name tells apart.
//!
//! The data is that of `partitions.json`, which AWS publishes with its SDKs.

/// A separate AWS cloud with its own domains.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    id: &'static str,
    dns_suffix: &'static str,
    dual_stack_dns_suffix: &'static str,
    /// The beginning of its regions' names, after which a word and a number follow.
    region_prefixes: &'static [&'static str],
}

/// The cloud of unknown regions, so that new regions work before this table has them.
static AWS: Partition = Partition {
    id: "aws",
    dns_suffix: "amazonaws.com",
    dual_stack_dns_suffix: "api.aws",
    region_prefixes: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
};

static OTHERS: [Partition; 7] = [
    Partition {
        id: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
        region_prefixes: &["cn-"],
    },
    Partition {
        id: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        dual_stack_dns_suffix: "api.aws",
        region_prefixes: &["us-gov-"],
    },
    Partition {
        id: "aws-eusc",
        dns_suffix: "amazonaws.eu",
        dual_stack_dns_suffix: "api.amazonwebservices.eu",
        region_prefixes: &["eusc-de-"],
    },
    Partition {
        id: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        dual_stack_dns_suffix: "api.aws.ic.gov",
        region_prefixes: &["us-iso-"],
    },
    Partition {
        id: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_dns_suffix: "api.aws.scloud",
        region_prefixes: &["us-isob-"],
    },
    Partition {
        id: "aws-iso-e",
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
        region_prefixes: &["eu-isoe-"],
    },
    Partition {
        id: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_dns_suffix: "api.aws.hci.ic.gov",
        region_prefixes: &["us-isof-"],
    },
];

impl Partition {
    /// The partition that a region is in: `aws` for an unknown region.
    #[must_use]
    pub fn of_region(region: &str) -> &'static Self {
        OTHERS.iter().find(|partition| partition.has(region)).unwrap_or(&AWS)
    }

    /// The partition's id, which is also the second part of its ARNs.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The domain of its hosts.
    #[must_use]
    pub fn dns_suffix(&self) -> &'static str {
        self.dns_suffix
    }

    /// The domain of its hosts that answer over IPv4 and IPv6.
    #[must_use]
    pub fn dual_stack_dns_suffix(&self) -> &'static str {
        self.dual_stack_dns_suffix
    }

    /// Whether the region's name has this partition's form, or is its pseudo-region `<id>-global`.
    fn has(&self, region: &str) -> bool {
        let rests = self.region_prefixes.iter().filter_map(|prefix| region.strip_prefix(prefix));
        rests.into_iter().any(is_word_and_number) || region.strip_suffix("-global") == Some(self.id)
    }
}

/// `west-1`: a word, a hyphen, a number. A further hyphen makes it another partition's.
fn is_word_and_number(text: &str) -> bool {
    let Some((word, number)) = text.split_once('-') else { return false };
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{AWS, Partition};

    #[test]
    fn regions_are_known_by_their_form() {
        for (region, id) in [
            ("us-east-1", "aws"),
            ("mx-central-1", "aws"),
            ("ap-southeast-99", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            assert_eq!(Partition::of_region(region).id(), id, "{region}");
        }
    }

    #[test]
    fn pseudo_regions_are_their_partition_s() {
        for id in ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"] {
            assert_eq!(Partition::of_region(&format!("{id}-global")).id(), id);
        }
    }

    #[test]
    fn what_only_looks_like_a_partition_s_region_is_in_the_first() {
        for region in
            ["cn-north", "cn-north-x", "cn--1", "us-gov-west-", "us-gov-west-1-a", "cn", "mars", "eusc-fr-east-1", ""]
        {
            assert_eq!(Partition::of_region(region).id(), "aws", "{region}");
        }
        assert!(AWS.has("us-east-1") && !AWS.has("us-gov-west-1") && AWS.has("aws-global"));
    }
}
